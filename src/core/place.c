/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/row.h"

#include <errno.h>

#include "core/request.h"

static int alias_compare(const void *a, const void *b) {
        return strcmp(*(char *const *)a, *(char *const *)b);
}

static int publisher_compare(const void *a, const void *b) {
        const Publisher *x = a, *y = b;

        if (x->number != y->number)
                return x->number < y->number ? -1 : 1;
        return api_id_compare(&x->id, &y->id);
}

bool publisher_same_aliases(const Publisher *a, const Publisher *b) {
        if (a->n_aliases != b->n_aliases)
                return false;
        for (size_t i = 0; i < a->n_aliases; i++)
                if (strcmp(a->aliases[i], b->aliases[i]) != 0)
                        return false;
        return true;
}

static bool publisher_equal(const Publisher *a, const Publisher *b) {
        return publisher_compare(a, b) == 0 && publisher_same_aliases(a, b);
}

int place_new(Place **ret, uint64_t session, const ApiId *foreign, Mode mode,
              const Publisher *publishers, size_t n_publishers) {
        CLEANUP(place_unrefp) Place *place = NULL;
        int r;

        if (mode != MODE_PARTICIPANTS)
                n_publishers = 0;
        else if (n_publishers == 0)
                mode = MODE_NONE;

        place = calloc(1, sizeof(*place) + n_publishers * sizeof(Publisher));
        if (!place)
                return -ENOMEM;

        place->n_refs = 1;
        place->session = session;
        if (session == 0 && packed_id_set(&place->foreign, foreign) < 0)
                return -ENOMEM;
        place->mode = mode;
        for (; place->n_publishers < n_publishers; place->n_publishers++) {
                Publisher *copy = place->publishers + place->n_publishers;

                r = publisher_copy(copy, publishers + place->n_publishers);
                if (r < 0)
                        return r;
                if (copy->n_aliases > 1)
                        qsort(copy->aliases, copy->n_aliases, sizeof(char *), alias_compare);
        }
        if (n_publishers > 1)
                qsort(place->publishers, n_publishers, sizeof(Publisher), publisher_compare);

        *ret = TAKE(place);
        return 0;
}

Place *place_ref(Place *place) {
        if (place)
                place->n_refs++;
        return place;
}

Place *place_unref(Place *place) {
        if (!place || --place->n_refs > 0)
                return NULL;
        for (size_t i = 0; i < place->n_publishers; i++) {
                for (size_t j = 0; j < place->publishers[i].n_aliases; j++)
                        free(place->publishers[i].aliases[j]);
                free(place->publishers[i].aliases);
        }
        packed_id_deinit(&place->foreign);
        free(place);
        return NULL;
}

ApiId place_foreign(const Place *place) {
        return packed_id_unpack(&place->foreign);
}

bool place_same_session(const Place *a, const Place *b) {
        if (!a || !b)
                return a == b;
        return a->session == b->session && packed_id_equal(&a->foreign, &b->foreign);
}

bool place_equal(const Place *a, const Place *b) {
        if (a == b)
                return true;
        if (!a || !b || !place_same_session(a, b))
                return false;
        if (a->mode != b->mode || a->n_publishers != b->n_publishers)
                return false;
        for (size_t i = 0; i < a->n_publishers; i++)
                if (!publisher_equal(a->publishers + i, b->publishers + i))
                        return false;
        return true;
}

bool place_in_session(const Place *place, uint64_t session) {
        return place && session != 0 && place->session == session;
}

bool place_lists(const Place *place, uint64_t publisher) {
        for (size_t i = 0; place && i < place->n_publishers; i++)
                if (place->publishers[i].number == publisher)
                        return true;
        return false;
}

int place_without(Place **ret, const Place *place, uint64_t publisher) {
        CLEANUP(freep) Publisher *kept = NULL;
        const ApiId foreign = place_foreign(place);
        size_t n = 0;

        kept = calloc(place->n_publishers + 1, sizeof(Publisher));
        if (!kept)
                return -ENOMEM;
        for (size_t i = 0; i < place->n_publishers; i++)
                if (place->publishers[i].number != publisher)
                        kept[n++] = place->publishers[i];

        return place_new(ret, place->session, &foreign, place->mode, kept, n);
}
