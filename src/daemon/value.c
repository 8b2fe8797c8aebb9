/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/value.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "daemon/refusal.h"

#define MILLION       UINT64_C(1000000)
#define INTEGER_MAX   UINT64_C(1000000000)
#define HOST_SIZE_MAX 256

/* Moves @text behind a number, which is given in millionths. */
static bool millionths(uint64_t *ret, const char **text) {
        const char *p = *text;
        uint64_t value = 0, digit = MILLION;

        if (!isdigit((unsigned char)*p))
                return false;
        for (; isdigit((unsigned char)*p); p++) {
                value = value * 10 + (uint64_t)(*p - '0');
                if (value > INTEGER_MAX)
                        return false;
        }

        value *= MILLION;
        if (*p == '.') {
                if (!isdigit((unsigned char)*++p))
                        return false;
                for (; isdigit((unsigned char)*p); p++) {
                        digit /= 10;
                        value += digit * (uint64_t)(*p - '0');
                }
        }

        *ret = value;
        *text = p;
        return true;
}

bool value_number(unsigned *ret, const char *text) {
        uint64_t value;

        if (strchr(text, '.') || !millionths(&value, &text) || *text != '\0')
                return false;

        *ret = (unsigned)(value / MILLION);
        return true;
}

bool value_decimal(double *ret, const char *text) {
        uint64_t value;

        if (!millionths(&value, &text) || *text != '\0')
                return false;

        *ret = (double)value / (double)MILLION;
        return true;
}

/* Moves @text behind a unit; how long a millionth of it is, as a fraction of microseconds. */
static bool unit(uint64_t *ret_times, uint64_t *ret_per, const char **text) {
        static const struct {
                const char *name;
                uint64_t times, per;
        } units[] = {
                { "", 1, 1 },         { "s", 1, 1 },     { "sec", 1, 1 },  { "ms", 1, 1000 },
                { "us", 1, MILLION }, { "m", 60, 1 },    { "min", 60, 1 }, { "h", 3600, 1 },
                { "hr", 3600, 1 },    { "d", 86400, 1 },
        };
        size_t length = 0;

        while (isalpha((unsigned char)(*text)[length]))
                length++;

        for (size_t i = 0; i < ELEMENTSOF(units); i++) {
                if (strlen(units[i].name) != length || memcmp(units[i].name, *text, length) != 0)
                        continue;
                *ret_times = units[i].times;
                *ret_per = units[i].per;
                *text += length;
                return true;
        }
        return false;
}

bool value_span(usec_t *ret, const char *text) {
        usec_t sum = 0;

        do {
                uint64_t value, times, per;

                if (!millionths(&value, &text))
                        return false;
                text += strspn(text, " ");
                if (!unit(&times, &per, &text))
                        return false;
                text += strspn(text, " ");
                if (value > UINT64_MAX / times)
                        return false;
                sum = usec_add(sum, value * times / per);
        } while (*text != '\0');

        *ret = sum;
        return true;
}

/* How many bytes at the beginning are a host, in brackets where it is an IPv6 address. */
static size_t host_length(const char *text) {
        struct in6_addr address;
        char copy[HOST_SIZE_MAX];
        size_t length;

        if (*text != '[') {
                length = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789.-");
                return length < HOST_SIZE_MAX ? length : 0;
        }

        length = strcspn(text, "]");
        if (text[length] != ']' || length >= sizeof(copy))
                return 0;

        memcpy(copy, text + 1, length - 1);
        copy[length - 1] = '\0';
        return inet_pton(AF_INET6, copy, &address) == 1 ? length + 1 : 0;
}

static bool host_is_loopback(const char *text, size_t length) {
        struct in_addr address;
        char copy[HOST_SIZE_MAX] = "";

        memcpy(copy, text, length);
        if (streq(copy, "[::1]") || streq(copy, "localhost"))
                return true;

        return inet_pton(AF_INET, copy, &address) == 1 && ntohl(address.s_addr) >> 24 == 127;
}

/* Moves @text behind ":port", if there is one. */
static bool skip_port(const char **text) {
        unsigned long port = 0;
        const char *p = *text;

        if (*p != ':')
                return true;
        for (p++; isdigit((unsigned char)*p) && port <= UINT16_MAX; p++)
                port = port * 10 + (unsigned long)(*p - '0');
        if (port < 1 || port > UINT16_MAX)
                return false;

        *text = p;
        return true;
}

/* Empty, or segments that nobody on the way may rewrite. */
static bool path_is_plain(const char *path) {
        while (*path == '/') {
                size_t length = strcspn(++path, "/");
                size_t plain = strspn(path, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                            "0123456789._~-");

                if (plain < length || length == 0)
                        return false;
                if (strncmp(path, "..", length) == 0)
                        return false;
                path += length;
        }
        return *path == '\0';
}

/* Scheme and host are the same in capitals; only their small form is kept and compared. */
static char *copy_lowered(const char *text, const char *host) {
        char *copy = strdup(text);
        size_t length;

        if (!copy)
                return NULL;

        length = (size_t)(host - text);
        length += strcspn(host, "/");
        for (size_t i = 0; i < length; i++)
                copy[i] = (char)tolower((unsigned char)copy[i]);

        length = strlen(copy);
        while (length > 0 && copy[length - 1] == '/')
                copy[--length] = '\0';
        return copy;
}

int value_url(char **ret, const char *text, bool *ret_loopback) {
        CLEANUP(freep) char *copy = NULL;
        const char *host, *rest;
        size_t length;

        host = strstr(text, "://");
        if (!host || host == text)
                return REFUSED;

        copy = copy_lowered(text, host + 3);
        if (!copy)
                return -ENOMEM;

        host = strstr(copy, "://");
        length = host ? host_length(host + 3) : 0;
        if (length == 0)
                return REFUSED;

        rest = host + 3 + length;
        if (!skip_port(&rest) || !path_is_plain(rest))
                return REFUSED;

        *ret_loopback = host_is_loopback(host + 3, length);
        *ret = TAKE(copy);
        return 0;
}
