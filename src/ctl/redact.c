/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/redact.h"

#include <ctype.h>
#include <inttypes.h>
#include <string.h>
#include <systemd/sd-id128.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "ctl/memory.h"
#include "ctl/siphash.h"

/* What is as long as this and has a digit is no word of a language. */
#define ID_AT_LEAST 16

/* Ours alone: made once with sd_id128_randomize(). */
#define APPLICATION SD_ID128_MAKE(5b, 7c, 0e, 91, 3d, 2f, 4a, 86, 9a, 14, c8, 60, f7, 25, be, 43)

/* What stands for what, in the texts of this run. */
typedef struct Known {
        char *word, *stand_in;
} Known;

static struct {
        Known *all;
        size_t n;
} learnt;

/* Where a machine has no id, what is printed at once fits together at least. */
static const sd_id128_t *key(void) {
        static sd_id128_t id;
        static bool made;

        if (!made && sd_id128_get_machine_app_specific(APPLICATION, &id) < 0)
                sd_id128_randomize(&id);
        made = true;
        return &id;
}

static char *stand_in(const char *noun, const char *word) {
        if (!word[0])
                return must(strdup(""));
        return format("%s-%010" PRIx64, noun, siphash(key()->bytes, word, strlen(word)) >> 24);
}

char *redact_word(const Options *options, const char *noun, const char *word) {
        return options->redact ? stand_in(noun, word) : must(strdup(word));
}

static bool is_of_word(char c) {
        return isalnum((unsigned char)c) || c == '-' || c == '_' || (unsigned char)c >= 0x80;
}

/* Whether @word stands at @at, and is not a part of a longer one. */
static bool stands_at(const char *text, const char *at, const char *word) {
        size_t length = strlen(word);

        return strncmp(at, word, length) == 0 &&
               !(at > text && is_of_word(at[-1]) && is_of_word(word[0])) &&
               !(is_of_word(at[length]) && is_of_word(word[length - 1]));
}

static bool looks_like_id(const char *word, size_t length) {
        size_t n_digits = 0;

        for (size_t i = 0; i < length; i++)
                n_digits += isdigit((unsigned char)word[i]) != 0;
        return length >= ID_AT_LEAST && n_digits > 0;
}

/* The stand-in for what begins at @at, and its length there; NULL: nothing that has to go. */
static char *replacement(const char *text, const char *at, const Known *known, size_t n_known,
                         size_t *ret_length) {
        size_t length = 0;

        for (size_t i = 0; i < n_known; i++)
                if (stands_at(text, at, known[i].word)) {
                        *ret_length = strlen(known[i].word);
                        return must(strdup(known[i].stand_in));
                }

        while (is_of_word(at[length]))
                length++;
        if ((at > text && is_of_word(at[-1])) || !looks_like_id(at, length))
                return NULL;

        CLEANUP(freep) char *word = must(strndup(at, length));

        *ret_length = length;
        return stand_in("id", word);
}

static char *text_without(const char *text, const Known *known, size_t n_known) {
        char *result = must(strdup(""));

        for (const char *at = text; *at;) {
                size_t length = 1;
                CLEANUP(freep) char *instead = replacement(text, at, known, n_known, &length);
                char *longer =
                        instead ? format("%s%s", result, instead) : format("%s%c", result, *at);

                free(result);
                result = longer;
                at += length;
        }
        return result;
}

char *redact_text(const Options *options, const char *text) {
        return options->redact ? text_without(text, learnt.all, learnt.n) : must(strdup(text));
}

void redact_learn(const Options *options, const char *word) {
        const char *noun = looks_like_id(word, strlen(word)) ? "id" : "tag";

        /* Numbers are ours, and say nothing of anybody. */
        if (!options->redact || word[strspn(word, "0123456789")] == '\0')
                return;
        learnt.all = must(reallocarray(learnt.all, learnt.n + 1, sizeof(*learnt.all)));
        learnt.all[learnt.n++] = (Known){ must(strdup(word)), stand_in(noun, word) };
}

static json_object *fact(json_object *facts, const char *name, json_type type) {
        json_object *value = NULL;

        json_object_object_get_ex(facts, name, &value);
        return json_object_is_type(value, type) ? value : NULL;
}

/* "Publishers": [[path, [alias...]]...] */
static void redact_aliases(json_object *publishers) {
        for (size_t i = 0; publishers && i < json_object_array_length(publishers); i++) {
                json_object *publisher = json_object_array_get_idx(publishers, i), *aliases = NULL;

                if (json_object_is_type(publisher, json_type_array))
                        aliases = json_object_array_get_idx(publisher, 1);
                if (!json_object_is_type(aliases, json_type_array))
                        continue;
                for (size_t j = 0; j < json_object_array_length(aliases); j++) {
                        json_object *alias = json_object_array_get_idx(aliases, j);
                        CLEANUP(freep)
                        char *instead = stand_in("alias", json_object_get_string(alias));

                        json_object_set_string(alias, instead);
                }
        }
}

/* The API's own words may have the object's names in them. */
static void redact_error(json_object *error, const Known *known, size_t n_known) {
        json_object *message = error ? json_object_array_get_idx(error, 1) : NULL;

        if (json_object_is_type(message, json_type_string)) {
                CLEANUP(freep)
                char *text = text_without(json_object_get_string(message), known, n_known);

                json_object_set_string(message, text);
        }
}

void redact_facts(const Options *options, json_object *facts) {
        static const struct {
                const char *name, *noun;
        } secrets[] = { { "Id", "id" },
                        { "SessionId", "id" },
                        { "Tag", "tag" },
                        { "AccountId", "account" },
                        { "CallbackUrl", "url" } };
        Known known[ELEMENTSOF(secrets)];
        size_t n = 0;

        if (!options->redact)
                return;

        for (size_t i = 0; i < ELEMENTSOF(secrets); i++) {
                json_object *value = fact(facts, secrets[i].name, json_type_string);

                if (!value || !json_object_get_string(value)[0])
                        continue;
                known[n].word = must(strdup(json_object_get_string(value)));
                known[n].stand_in = stand_in(secrets[i].noun, known[n].word);
                json_object_set_string(value, known[n++].stand_in);
        }
        redact_aliases(fact(facts, "Publishers", json_type_array));
        redact_error(fact(facts, "LastError", json_type_array), known, n);
        while (n-- > 0) {
                free(known[n].word);
                free(known[n].stand_in);
        }
}
