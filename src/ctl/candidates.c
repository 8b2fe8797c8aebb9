/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/candidates.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/text.h"
#include "ctl/memory.h"
#include "ctl/rows.h"
#include "ctl/width.h"

/* Nobody picks one of more than these, and Tab is to be quick. */
#define ROWS_MAX 1000

typedef struct Name {
        char *word, *meaning;
        bool is_tag;
} Name;

typedef struct Names {
        const Stub *stub;
        Naming naming;
        Name *all;
        size_t n, n_rows;
        uint64_t last; /* the number of the last row */
} Names;

static bool begins(const char *word, const char *beginning) {
        return strncmp(word, beginning, strlen(beginning)) == 0;
}

void candidate_print(const Stub *stub, const char *word, const char *meaning) {
        CLEANUP(freep) char *printable = width_printable(meaning);

        if (begins(word, stub->text))
                printf("%.*s%s\t%s\n", (int)stub->n_before, stub->before, word, printable);
}

static void names_deinit(Names *names) {
        for (size_t i = 0; i < names->n; i++) {
                free(names->all[i].word);
                free(names->all[i].meaning);
        }
        free(names->all);
}

static void names_add(Names *names, const char *word, const char *meaning, bool is_tag) {
        if (!begins(word, names->stub->text))
                return;
        names->all = must(reallocarray(names->all, names->n + 1, sizeof(*names->all)));
        names->all[names->n++] =
                (Name){ must(strdup(word)), must(strdup(meaning)), .is_tag = is_tag };
}

/* Whether a tag, typed as it is, would be taken for this object's. */
static bool tag_is_usable(const Names *names, const char *tag) {
        const char *strange = names->stub->strange;

        if (!tag[0] || tag[0] == '-' || text_has_controls(tag))
                return false;
        if (names->naming != NAMING_TAGS && tag[strspn(tag, "0123456789")] == '\0')
                return false;
        return !strange || !strpbrk(tag, strange);
}

static char *number_word(const Names *names, const Object *object) {
        if (names->naming == NAMING_WITH_KIND)
                return format("%s/%" PRIu64, kind_names[object->kind].noun, object->number);
        return format("%" PRIu64, object->number);
}

static bool names_row(const Object *object, json_object *facts, void *userdata) {
        Names *names = userdata;
        const char *tag = facts_text(facts, "Tag"), *state = facts_text(facts, "State");
        CLEANUP(freep) char *label = object_label(object, tag), *number = NULL;
        CLEANUP(freep) char *meaning = format("%s, %s", label, state);
        const bool has_tag = tag_is_usable(names, tag), typed = names->stub->text[0] != '\0';

        if (names->n_rows++ == ROWS_MAX)
                return false;

        names->last = object->number;
        if (has_tag)
                names_add(names, tag, meaning, true);
        if (names->naming == NAMING_TAGS)
                return true;

        /* With nothing typed, one name of each is enough: the one that people know. */
        number = number_word(names, object);
        if (typed || !has_tag)
                names_add(names, number, meaning, false);
        if (typed)
                names_add(names, facts_text(facts, "Id"), meaning, false);
        return true;
}

/* A row of those behind the last that was seen. */
static bool names_row_behind(const Object *object, json_object *facts, void *userdata) {
        Names *names = userdata;

        if (object->number > names->last)
                names_add(names, facts_text(facts, "Id"), facts_text(facts, "Tag"), false);
        return names->n < ROWS_MAX;
}

static size_t names_count(const Names *names, const char *word) {
        size_t n = 0;

        for (size_t i = 0; i < names->n; i++)
                n += streq(names->all[i].word, word);
        return n;
}

static void names_print(const Names *names) {
        for (size_t i = 0; i < names->n; i++) {
                const Name *name = &names->all[i];
                bool once = names_count(names, name->word) == 1, earlier = false;

                for (size_t j = 0; !once && j < i; j++)
                        earlier |= streq(names->all[j].word, name->word);
                /* A tag of two objects names neither. */
                if (once || (names->naming == NAMING_TAGS && !earlier))
                        candidate_print(names->stub, name->word, name->meaning);
        }
}

void candidates_print_objects(Ctl *ctl, const Stub *stub, Kind kind, Naming naming) {
        static const char *const fields[] = { "Id", "Tag", "State", NULL };
        const Filter all = { .fields = fields };
        const Filter by_id = { .id_prefix = stub->text, .fields = fields };
        CLEANUP(names_deinit) Names names = { .stub = stub, .naming = naming };

        if (rows_read(ctl, kind, &all, ROWS_MAX, names_row, &names) != EXIT_DONE)
                return;
        if (names.n_rows > ROWS_MAX && naming != NAMING_TAGS && stub->text[0] &&
            object_may_be_id(stub->text))
                rows_read(ctl, kind, &by_id, ROWS_MAX, names_row_behind, &names);
        names_print(&names);
}
