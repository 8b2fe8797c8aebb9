/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "simulator/subscriptions.h"

#include "base/text.h"

static void publisher_deinit(Publisher *publisher) {
        for (size_t i = 0; i < publisher->n_aliases; i++)
                free(publisher->aliases[i]);
        free(publisher->aliases);
        free(publisher->id);
}

Subscriptions *subscriptions_free(Subscriptions *subscriptions) {
        if (!subscriptions)
                return NULL;

        for (size_t i = 0; i < subscriptions->n_publishers; i++)
                publisher_deinit(&subscriptions->publishers[i]);
        free(subscriptions->publishers);
        free(subscriptions);
        return NULL;
}

bool subscriptions_drop(Subscriptions **subscriptions, const char *publisher_id) {
        Subscriptions *s = *subscriptions;
        size_t i = 0;

        if (!s)
                return false;

        while (i < s->n_publishers && !streq(s->publishers[i].id, publisher_id))
                i++;
        if (i == s->n_publishers)
                return false;

        publisher_deinit(&s->publishers[i]);
        s->n_publishers--;
        memmove(&s->publishers[i], &s->publishers[i + 1],
                (s->n_publishers - i) * sizeof(Publisher));
        if (s->n_publishers == 0)
                *subscriptions = subscriptions_free(s);
        return true;
}
