/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "simulator/base64.h"

#define LETTERS_AND_DIGITS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

/* Three bytes, or those that are left, as two to four characters. */
static void add_group(Buffer *buffer, const unsigned char *bytes, size_t n, const char *alphabet) {
        unsigned bits = (unsigned)bytes[0] << 16;
        char group[4];

        if (n > 1)
                bits |= (unsigned)bytes[1] << 8;
        if (n > 2)
                bits |= bytes[2];
        for (size_t i = 0; i < 4; i++)
                group[i] = alphabet[(bits >> (18 - 6 * i)) & 63];
        buffer_add(buffer, group, n < 3 ? n + 1 : 4);
}

static void add_all(Buffer *buffer, const unsigned char *bytes, size_t n, const char *alphabet) {
        for (size_t i = 0; i < n; i += 3)
                add_group(buffer, bytes + i, n - i < 3 ? n - i : 3, alphabet);
}

void base64_add(Buffer *buffer, const void *bytes, size_t n) {
        add_all(buffer, bytes, n, LETTERS_AND_DIGITS "+/");
        if (n % 3 > 0)
                buffer_add(buffer, "==", 3 - n % 3);
}

void base64url_add(Buffer *buffer, const void *bytes, size_t n) {
        add_all(buffer, bytes, n, LETTERS_AND_DIGITS "-_");
}
