/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/id.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Asked for each letter of three ids of each participant in a list. */
static const bool alphabet[256] = {
        ['a' ... 'z'] = true, ['0' ... '9'] = true, ['A' ... 'Z'] = true,
        ['-'] = true,         ['_'] = true,
};

/* How long an id, or the beginning of one, a text is; 0: it is neither. */
static size_t id_length(const char *text) {
        size_t n = 0;

        while (n <= API_ID_MAX && alphabet[(unsigned char)text[n]])
                n++;
        return n <= API_ID_MAX && !text[n] ? n : 0;
}

bool api_id_is_prefix(const char *text) {
        return id_length(text) > 0;
}

bool api_id_set(ApiId *id, const char *text) {
        size_t n = id_length(text);

        if (n == 0)
                return false;
        memcpy(id->text, text, n);
        memset(id->text + n, 0, sizeof(id->text) - n);
        return true;
}

const char *api_id_text(const ApiId *id) {
        return id->text;
}

bool api_id_is_known(const ApiId *id) {
        return id->text[0] != 0;
}

int api_id_compare(const ApiId *a, const ApiId *b) {
        return strcmp(a->text, b->text);
}

/* Where the bytes of a UUID stand in its text of 36 letters. */
static const uint8_t uuid_places[16] = {
        0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34
};
#define UUID_LENGTH    36
#define UUID_VARIANT   8 /* the byte that tells it */
#define VARIANT_OF_RFC 0x80U

/* Values of digits, plus one. A list is compared id by id, so that this is read often. */
static const uint8_t digit_values[256] = {
        ['0'] = 1,  ['1'] = 2,  ['2'] = 3,  ['3'] = 4,  ['4'] = 5,  ['5'] = 6,
        ['6'] = 7,  ['7'] = 8,  ['8'] = 9,  ['9'] = 10, ['a'] = 11, ['b'] = 12,
        ['c'] = 13, ['d'] = 14, ['e'] = 15, ['f'] = 16,
};

static bool is_uuid(const PackedId *packed) {
        return packed->uuid[UUID_VARIANT] & VARIANT_OF_RFC;
}

/* Return: whether the text is one, in the only spelling that comes back from its bytes. */
static bool uuid_read(PackedId *packed, const char *text) {
        unsigned wrong = 0;
        PackedId read;

        if (text[8] != '-' || text[13] != '-' || text[18] != '-' || text[23] != '-' ||
            text[UUID_LENGTH])
                return false;
        for (size_t i = 0; i < sizeof(read.uuid); i++) {
                const unsigned char *at = (const unsigned char *)text + uuid_places[i];
                unsigned high = digit_values[at[0]] - 1U, low = digit_values[at[1]] - 1U;

                wrong |= high | low;
                read.uuid[i] = (uint8_t)(high << 4 | low);
        }
        if (wrong > 0xf || !is_uuid(&read))
                return false;
        *packed = read;
        return true;
}

static void uuid_write(const PackedId *packed, char *text) {
        static const char digits[] = "0123456789abcdef";

        text[8] = text[13] = text[18] = text[23] = '-';
        for (size_t i = 0; i < sizeof(packed->uuid); i++) {
                text[uuid_places[i]] = digits[packed->uuid[i] >> 4];
                text[uuid_places[i] + 1] = digits[packed->uuid[i] & 0xfU];
        }
        text[UUID_LENGTH] = 0;
}

PackedId packed_id_borrow(const ApiId *id) {
        PackedId packed = { 0 };

        if (api_id_is_known(id) && !uuid_read(&packed, id->text))
                packed.text = (char *)id->text;
        return packed;
}

int packed_id_copy(PackedId *to, const PackedId *from) {
        PackedId copy = *from;

        if (!is_uuid(from) && from->text) {
                copy.text = strdup(from->text);
                if (!copy.text)
                        return -ENOMEM;
        }
        *to = copy;
        return 0;
}

int packed_id_set(PackedId *packed, const ApiId *id) {
        PackedId borrowed = packed_id_borrow(id);

        return packed_id_copy(packed, &borrowed);
}

void packed_id_deinit(PackedId *packed) {
        if (!is_uuid(packed))
                free(packed->text);
        *packed = (PackedId){ 0 };
}

ApiId packed_id_unpack(const PackedId *packed) {
        ApiId id = { 0 };

        if (is_uuid(packed))
                uuid_write(packed, id.text);
        else if (packed->text)
                memcpy(id.text, packed->text, strlen(packed->text));
        return id;
}

bool packed_id_is_known(const PackedId *packed) {
        return is_uuid(packed) || packed->text;
}

bool packed_id_equal(const PackedId *a, const PackedId *b) {
        if (is_uuid(a) || is_uuid(b) || !a->text || !b->text)
                return memcmp(a->uuid, b->uuid, sizeof(a->uuid)) == 0;
        return strcmp(a->text, b->text) == 0;
}

int packed_id_compare(const PackedId *a, const PackedId *b) {
        ApiId left, right;

        if (is_uuid(a) && is_uuid(b))
                return memcmp(a->uuid, b->uuid, sizeof(a->uuid));
        left = packed_id_unpack(a);
        right = packed_id_unpack(b);
        return api_id_compare(&left, &right);
}
