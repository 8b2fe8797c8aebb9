/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/subscription.h"

#include "base/text.h"
#include "ctl/memory.h"

/* Splits at a separator; empty parts stay. NULL ends the parts. */
static char **split(const char *text, char separator, size_t *ret_n) {
        char **parts = must(calloc(strlen(text) + 2, sizeof(*parts)));
        size_t n = 0;

        for (;;) {
                const char *end = strchrnul(text, separator);

                parts[n++] = must(strndup(text, (size_t)(end - text)));
                if (!*end)
                        break;
                text = end + 1;
        }
        *ret_n = n;
        return parts;
}

static void parts_free(char **parts) {
        for (size_t i = 0; parts && parts[i]; i++)
                free(parts[i]);
        free(parts);
}

void subscription_deinit(Subscription *subscription) {
        for (size_t i = 0; i < subscription->n_publishers; i++) {
                free(subscription->publishers[i].name);
                parts_free(subscription->publishers[i].aliases);
        }
        free(subscription->publishers);
}

static char *publisher_parse(const char *word, Publisher *ret) {
        size_t n;
        char **parts = split(word, ':', &n);

        ret->name = parts[0];
        memmove(parts, parts + 1, n * sizeof(*parts));
        ret->aliases = parts;

        if (ret->name[0] == '\0')
                return format("\"%s\" names no participant", word);
        for (size_t i = 0; parts[i]; i++) {
                if (parts[i][0] == '\0')
                        return format("\"%s\" has an empty stream alias", word);
                for (size_t j = 0; j < i; j++)
                        if (streq(parts[i], parts[j]))
                                return format("\"%s\" names the stream alias \"%s\" twice", word,
                                              parts[i]);
        }
        return NULL;
}

static const char *mode_of(const char *word) {
        static const char *const modes[] = { "none", "session" };

        for (size_t i = 0; i < ELEMENTSOF(modes); i++)
                if (streq(word, modes[i]))
                        return modes[i];
        return NULL;
}

char *subscription_parse(char *const *words, size_t n_words, Subscription *ret) {
        *ret = (Subscription){ .mode = "participants" };
        if (n_words == 0)
                return format("say none, session, or whom to subscribe to");
        if (n_words == 1 && mode_of(words[0])) {
                ret->mode = mode_of(words[0]);
                return NULL;
        }

        ret->publishers = must(calloc(n_words, sizeof(*ret->publishers)));
        for (size_t i = 0; i < n_words; i++) {
                char *why;

                if (mode_of(words[i]))
                        return format("\"%s\" stands alone, or not at all", words[i]);
                ret->n_publishers++;
                why = publisher_parse(words[i], &ret->publishers[i]);
                if (why)
                        return why;
        }
        return NULL;
}

char *subscription_parse_list(const char *list, Subscription *ret) {
        size_t n;
        char **words = split(list, ',', &n), *why;

        why = subscription_parse(words, n, ret);
        parts_free(words);
        return why;
}

Exit subscription_resolve(Ctl *ctl, Subscription *subscription) {
        for (size_t i = 0; i < subscription->n_publishers; i++) {
                Publisher *publisher = &subscription->publishers[i];
                Exit code =
                        object_resolve(ctl, KIND_PARTICIPANT, publisher->name, &publisher->object);

                if (code != EXIT_DONE)
                        return code;
        }
        return EXIT_DONE;
}

void subscription_append_publishers(const Subscription *subscription, sd_bus_message *m) {
        must_bus(sd_bus_message_open_container(m, 'a', "(oas)"));
        for (size_t i = 0; i < subscription->n_publishers; i++) {
                const Publisher *publisher = &subscription->publishers[i];

                must_bus(sd_bus_message_open_container(m, 'r', "oas"));
                must_bus(sd_bus_message_append(m, "o", publisher->object.path));
                must_bus(sd_bus_message_append_strv(m, publisher->aliases));
                must_bus(sd_bus_message_close_container(m));
        }
        must_bus(sd_bus_message_close_container(m));
}

void subscription_append_options(const Subscription *subscription, sd_bus_message *m) {
        dict_text(m, "SubscriptionMode", subscription->mode);
        if (subscription->n_publishers == 0)
                return;

        must_bus(sd_bus_message_open_container(m, 'e', "sv"));
        must_bus(sd_bus_message_append(m, "s", "Publishers"));
        must_bus(sd_bus_message_open_container(m, 'v', "a(oas)"));
        subscription_append_publishers(subscription, m);
        must_bus(sd_bus_message_close_container(m));
        must_bus(sd_bus_message_close_container(m));
}
