/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "simulator/route.h"

#include <ctype.h>

#include "base/cleanup.h"
#include "base/text.h"

#define PREFIX       "/v1/accounts/"
#define SEGMENTS_MAX 8

typedef struct Segment {
        const char *text;
        size_t n;
} Segment;

/* Below /v1/accounts/: A is the account, S a session, P a participant. */
static const struct {
        const char *method, *shape;
        Operation operation;
} routes[] = {
        { "POST", "A/participants", OPERATION_CREATE_PARTICIPANT },
        { "GET", "A/participants/P", OPERATION_GET_PARTICIPANT },
        { "DELETE", "A/participants/P", OPERATION_DELETE_PARTICIPANT },
        { "POST", "A/sessions", OPERATION_CREATE_SESSION },
        { "GET", "A/sessions/S", OPERATION_GET_SESSION },
        { "DELETE", "A/sessions/S", OPERATION_DELETE_SESSION },
        { "GET", "A/sessions/S/participants", OPERATION_LIST_MEMBERS },
        { "PUT", "A/sessions/S/participants/P", OPERATION_ADD_MEMBER },
        { "DELETE", "A/sessions/S/participants/P", OPERATION_REMOVE_MEMBER },
        { "GET", "A/sessions/S/participants/P/subscriptions", OPERATION_GET_SUBSCRIPTIONS },
        { "PUT", "A/sessions/S/participants/P/subscriptions", OPERATION_SET_SUBSCRIPTIONS },
};

static int hex_value(char c) {
        if (c >= '0' && c <= '9')
                return c - '0';
        if (isxdigit((unsigned char)c))
                return tolower((unsigned char)c) - 'a' + 10;
        return -1;
}

bool route_decode(const char *segment, size_t n, char ret[static ROUTE_ID_MAX + 1]) {
        size_t length = 0;

        ret[0] = '\0';
        for (size_t i = 0; i < n; i++) {
                int c = (unsigned char)segment[i];

                if (c == '%') {
                        int high = i + 2 < n ? hex_value(segment[i + 1]) : -1;
                        int low = high >= 0 ? hex_value(segment[i + 2]) : -1;

                        c = low >= 0 ? high << 4 | low : 0;
                        i += 2;
                }
                if (c == 0 || length == ROUTE_ID_MAX) {
                        ret[0] = '\0';
                        return false;
                }
                ret[length++] = (char)c;
        }

        ret[length] = '\0';
        return length > 0;
}

static size_t path_length(const char *target) {
        return strcspn(target, "?#");
}

/* Splits at slashes. Return: how many, 0 where one is empty or there are too many. */
static size_t split(const char *path, size_t n, Segment segments[static SEGMENTS_MAX]) {
        const char *end = path + n;
        size_t n_segments = 0;

        for (const char *from = path;; n_segments++) {
                const char *slash = memchr(from, '/', (size_t)(end - from));
                const char *to = slash ? slash : end;

                if (to == from || n_segments == SEGMENTS_MAX)
                        return 0;
                segments[n_segments] = (Segment){ from, (size_t)(to - from) };
                if (!slash)
                        return n_segments + 1;
                from = slash + 1;
        }
}

/* Where in the route the segment of that letter goes; NULL for a word, which must be the same. */
static char *place(Route *route, const Segment *shape) {
        if (shape->n > 1)
                return NULL;
        switch (shape->text[0]) {
        case 'A':
                return route->account;
        case 'S':
                return route->session_id;
        default:
                return route->participant_id;
        }
}

static bool match(const char *shape, const Segment *segments, size_t n_segments, Route *ret) {
        Segment expected[SEGMENTS_MAX];

        if (split(shape, strlen(shape), expected) != n_segments)
                return false;

        for (size_t i = 0; i < n_segments; i++) {
                char word[ROUTE_ID_MAX + 1];
                char *id = place(ret, &expected[i]);

                route_decode(segments[i].text, segments[i].n, id ? id : word);
                if (!id && (strlen(word) != expected[i].n ||
                            memcmp(word, expected[i].text, expected[i].n) != 0))
                        return false;
        }
        return true;
}

Route route_find(const char *method, const char *target, Generation generation) {
        Segment segments[SEGMENTS_MAX];
        size_t n_segments;

        if (strncmp(target, PREFIX, strlen(PREFIX)) != 0)
                return (Route){ .operation = OPERATION_UNKNOWN };

        target += strlen(PREFIX);
        n_segments = split(target, path_length(target), segments);
        for (size_t i = 0; n_segments > 0 && i < ELEMENTSOF(routes); i++) {
                Route route = { .operation = routes[i].operation };

                if (generation == GENERATION_2020 && route.operation == OPERATION_LIST_MEMBERS)
                        continue;
                if (streq(method, routes[i].method) &&
                    match(routes[i].shape, segments, n_segments, &route))
                        return route;
        }
        return (Route){ .operation = OPERATION_UNKNOWN };
}

const char *route_below_account(const char *target, size_t *ret_length) {
        const char *end = target + path_length(target);
        const char *below = target;

        if (strncmp(target, PREFIX, strlen(PREFIX)) == 0) {
                const char *account = target + strlen(PREFIX);
                const char *slash = memchr(account, '/', (size_t)(end - account));

                if (slash && slash > account)
                        below = slash;
        }

        *ret_length = (size_t)(end - below);
        return below;
}
