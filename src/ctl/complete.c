/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * complete, for the shells: what the last of some words may become, a candidate a line, each with
 * its meaning behind a tab. What stands where is read from the table of verbs.
 */

#include <stdio.h>

#include "base/text.h"
#include "ctl/candidates.h"
#include "ctl/memory.h"
#include "ctl/verbs.h"

#define ANSWER_WITHIN (2 * USEC_PER_SEC)

static const char *const modes[] = { "pretty", "short", "off", NULL };
static const char *const lifetimes[] = { "persistent", "client", NULL };
static const char *const permissions[] = { "audio", "video", NULL };
static const char *const subscriptions[] = { "none", "session", NULL };

/* What can stand where, by the names that the verbs and the options have for it. */
static const struct Sort {
        const char *name;
        const char *const *words; /* NULL: none */
        bool session, participant;
        Naming naming;
        bool list;           /* several, with commas between */
        const char *strange; /* of a tag that cannot be said here */
} sorts[] = {
        { .name = "SESSION", .session = true },
        { .name = "PARTICIPANT", .participant = true },
        { .name = "SESSION|PARTICIPANT", NULL, true, true, NAMING_WITH_KIND, false, NULL },
        { .name = "WHAT", .words = subscriptions, .participant = true, .strange = ":" },
        { .name = "LEVEL", .words = level_names },
        { .name = "list-sessions TAG", .session = true, .naming = NAMING_TAGS },
        { .name = "list-participants TAG", .participant = true, .naming = NAMING_TAGS },
        { .name = "--json", .words = modes },
        { .name = "--lifetime", .words = lifetimes },
        { .name = "--publish", .words = permissions, .list = true },
        { .name = "--session", .session = true },
        { .name = "--subscribe", subscriptions, false, true, NAMING_ANY, true, ":," },
};

static const struct Sort *sort_find(const char *name) {
        for (size_t i = 0; i < ELEMENTSOF(sorts); i++)
                if (streq(sorts[i].name, name))
                        return &sorts[i];
        return NULL;
}

/* Another host may ask for a password, and nobody expects that of Tab. */
static bool connect_quickly(Ctl *ctl) {
        if (ctl->bus)
                return true;
        if (ctl->options.host || ctl_connect(ctl) != EXIT_DONE)
                return false;
        ctl->no_start = true;
        sd_bus_set_method_call_timeout(ctl->bus, ANSWER_WITHIN);
        return true;
}

static void complete_sort(Ctl *ctl, const char *name, Stub stub) {
        const struct Sort *sort = sort_find(name);
        const char *comma;

        if (!sort)
                return;
        comma = sort->list ? strrchr(stub.text, ',') : NULL;
        if (comma) {
                /* What is typed already is one text, from the beginning of the word. */
                stub.n_before += (size_t)(comma + 1 - stub.text);
                stub.text = comma + 1;
        }
        stub.strange = sort->strange;

        for (size_t i = 0; sort->words && sort->words[i]; i++)
                candidate_print(&stub, sort->words[i], "");
        if (sort->session && connect_quickly(ctl))
                candidates_print_objects(ctl, &stub, KIND_SESSION, sort->naming);
        if (sort->participant && connect_quickly(ctl))
                candidates_print_objects(ctl, &stub, KIND_PARTICIPANT, sort->naming);
}

static void complete_verb(const Stub *stub) {
        for (const Verb *verb = verbs; verb->name; verb++)
                if (verb->help)
                        candidate_print(stub, verb->name, verb->help);
}

/* @verb: NULL where none is typed yet; then every option may be meant. */
static void complete_option(const Stub *stub, const Verb *verb) {
        unsigned taken;
        char *word;

        for (size_t i = 0; (word = options_word(i, &taken)); i++) {
                if (taken == 0 || !verb || (verb->takes & taken))
                        candidate_print(stub, word, "option");
                free(word);
        }
}

/* "[SESSION|PARTICIPANT]" and "SESSION..." are what they are without the signs around them. */
static char *bare(const char *word, size_t length) {
        if (word[0] == '[') {
                word++;
                length -= 2;
        }
        if (length > 3 && strncmp(word + length - 3, "...", 3) == 0)
                length -= 3;
        return must(strndup(word, length));
}

/* What the verb calls its word at this position; NULL: it takes no more words. Fresh memory. */
static char *word_name(const Verb *verb, size_t position) {
        CLEANUP(freep) char *name = NULL;
        const char *word = verb->words;

        if (position >= verb->n_max)
                return NULL;
        for (size_t i = 0;; i++) {
                size_t length = strcspn(word, " ");

                /* The last one is the one that may be repeated. */
                if (i == position || !word[length]) {
                        name = bare(word, length);
                        return streq(name, "TAG") ? format("%s TAG", verb->name) : TAKE(name);
                }
                word += length + 1;
        }
}

static void complete_word(Ctl *ctl, const Verb *verb, size_t position, const char *text) {
        CLEANUP(freep) char *name = word_name(verb, position);

        if (name)
                complete_sort(ctl, name, (Stub){ .before = text, .text = text });
}

/* The value of an option: behind its "=", or a word of its own. */
static void complete_value(Ctl *ctl, const char *word, size_t n_name, const char *value) {
        CLEANUP(freep) char *name = must(strndup(word, n_name));
        /* Not told by where they lie: arguments lie one behind the other in memory. */
        const bool one_word = word[n_name] == '=';
        const Stub stub = { .before = one_word ? word : value,
                            .n_before = one_word ? n_name + 1 : 0,
                            .text = value };

        complete_sort(ctl, name, stub);
}

/* The words in front of the last, read as a command line; negative where they make no sense. */
static int read_before(Ctl *ctl, char **argv) {
        CLEANUP(freep) char *why = NULL;

        argv[0] = (char *)"convenectl";
        memcpy(argv + 1, ctl->words, (ctl->n_words - 1) * sizeof(*argv));
        return options_read((int)ctl->n_words, argv, &ctl->options, &why);
}

Exit verb_complete(Ctl *ctl) {
        CLEANUP(freep) char **argv = must(calloc(ctl->n_words + 1, sizeof(*argv)));
        const char *last = ctl->words[ctl->n_words - 1], *equals = strchr(last, '=');
        const char *previous = ctl->n_words > 1 ? ctl->words[ctl->n_words - 2] : "";
        const Stub stub = { .before = last, .text = last };
        int first = read_before(ctl, argv), argc = (int)ctl->n_words;
        const Verb *verb;

        /* What is completed has to be the name itself. */
        ctl->options.redact = false;

        if (options_wants_value(previous)) {
                complete_value(ctl, previous, strlen(previous), last);
                return EXIT_DONE;
        }
        if (first < 0)
                return EXIT_DONE;

        verb = first < argc ? verb_find(argv[first]) : NULL;
        if (last[0] == '-' && equals)
                complete_value(ctl, last, (size_t)(equals - last), equals + 1);
        else if (last[0] == '-')
                complete_option(&stub, verb);
        else if (first == argc)
                complete_verb(&stub);
        else if (verb)
                complete_word(ctl, verb, (size_t)(argc - first - 1), last);
        return EXIT_DONE;
}
