/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>

#include "base/text.h"
#include "ctl/memory.h"
#include "ctl/object.h"
#include "ctl/redact.h"
#include "ctl/rows.h"
#include "proto/names.h"

#define CANDIDATES_SHOWN 10
#define ID_MAX           64
#define TAG_MAX          50

/* What is known of a name while the lists are read. */
typedef struct Search {
        const char *name, *id; /* what it is as an id: with --redact, a stand-in like all ids */
        Object found[CANDIDATES_SHOWN];
        char *labels[CANDIDATES_SHOWN];
        size_t n_found;
        bool exact, more;
} Search;

static bool all_digits(const char *name) {
        return name[strspn(name, "0123456789")] == '\0';
}

bool object_may_be_id(const char *text) {
        for (const char *p = text; *p; p++)
                if (!isascii(*p) || (!isalnum((unsigned char)*p) && !strchr("_-", *p)))
                        return false;
        return strlen(text) <= ID_MAX;
}

static bool may_be_tag(const char *name) {
        size_t n;

        return text_code_points(name, &n) && n <= TAG_MAX && !text_has_controls(name);
}

static void search_deinit(Search *search) {
        for (size_t i = 0; i < search->n_found; i++)
                free(search->labels[i]);
}

static char *candidate_label(const Object *object, json_object *facts) {
        CLEANUP(freep) char *label = object_label(object, facts_text(facts, "Tag"));
        const char *id = facts_text(facts, "Id");

        return format("%s (%s)", label, id[0] ? id : facts_text(facts, "State"));
}

static bool search_row(const Object *object, json_object *facts, void *userdata) {
        Search *search = userdata;

        for (size_t i = 0; i < search->n_found; i++)
                if (streq(search->found[i].path, object->path))
                        return true;

        if (streq(facts_text(facts, "Id"), search->id)) {
                search_deinit(search);
                search->n_found = 0;
                search->exact = true;
        }
        if (search->n_found == CANDIDATES_SHOWN) {
                search->more = true;
                return false;
        }

        search->labels[search->n_found] = candidate_label(object, facts);
        search->found[search->n_found++] = *object;
        return !search->exact;
}

static Exit search_lists(Ctl *ctl, Kind kind, Search *search) {
        static const char *const fields[] = { "Id", "Tag", "State", NULL };
        const Filter by_id = { .id_prefix = search->name, .fields = fields };
        const Filter by_tag = { .tag = search->name, .fields = fields };
        Exit code = EXIT_DONE;

        if (object_may_be_id(search->name))
                code = rows_read(ctl, kind, &by_id, CANDIDATES_SHOWN + 1, search_row, search);
        if (code == EXIT_DONE && !search->exact && may_be_tag(search->name))
                code = rows_read(ctl, kind, &by_tag, CANDIDATES_SHOWN + 1, search_row, search);
        return code;
}

static Exit ambiguous(Ctl *ctl, const char *noun, const Search *search, const char *advice) {
        CLEANUP(freep) char *list = must(strdup(""));

        for (size_t i = 0; i < search->n_found; i++) {
                char *longer = format("%s%s%s", list, i > 0 ? ", " : "", search->labels[i]);

                free(list);
                list = longer;
        }
        return failure_say(&ctl->options, EXIT_NOT_FOUND, FAILURE_AMBIGUOUS,
                           "\"%s\" may be more than one %s: %s%s; %s", search->name, noun, list,
                           search->more ? " and more" : "", advice);
}

static Exit resolve_number(Ctl *ctl, Kind kind, const char *name, Object *ret) {
        uint64_t number;

        errno = 0;
        number = strtoull(name, NULL, 10);
        if (number == 0 || errno != 0)
                return failure_say(&ctl->options, EXIT_NOT_FOUND, kind_names[kind].error,
                                   "there is no %s %s", kind_names[kind].noun, name);
        *ret = object_make(kind, number);
        return EXIT_DONE;
}

Exit object_resolve(Ctl *ctl, Kind kind, const char *name, Object *ret) {
        CLEANUP(freep) char *id = redact_word(&ctl->options, "id", name);
        CLEANUP(search_deinit) Search search = { .name = name, .id = id };
        Exit code;

        if (name[0] == '\0')
                return failure_say(&ctl->options, EXIT_USAGE, FAILURE_USAGE,
                                   "an empty word names no %s", kind_names[kind].noun);
        if (all_digits(name))
                return resolve_number(ctl, kind, name, ret);

        code = search_lists(ctl, kind, &search);
        if (code != EXIT_DONE)
                return code;
        if (search.n_found == 0)
                return failure_say(&ctl->options, EXIT_NOT_FOUND, kind_names[kind].error,
                                   "no %s has the id or the tag \"%s\"", kind_names[kind].noun,
                                   name);
        if (search.n_found > 1)
                return ambiguous(ctl, kind_names[kind].noun, &search, "say its number");

        *ret = search.found[0];
        return EXIT_DONE;
}

/* The object of that number, if there is one, as a candidate. */
static Exit search_number(Ctl *ctl, Kind kind, Search *search) {
        CLEANUP(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        CLEANUP(json_freep) json_object *facts = NULL;
        Object object = object_make(kind, strtoull(search->name, NULL, 10));
        int r = ctl_try_facts(ctl, object.path, kind_names[kind].interface, &error, &facts);

        if (r >= 0)
                search_row(&object, facts, search);
        else if (failure_exit(error.name ? error.name : "") != EXIT_NOT_FOUND)
                return failure_say_bus(&ctl->options, &error, r, NULL);
        return EXIT_DONE;
}

static bool resolve_tail(const char *name, Object *ret) {
        CLEANUP(freep) char *path = format(CONVENED_PATH "/%s", name);

        return object_from_path(path, ret);
}

Exit object_resolve_any(Ctl *ctl, const char *name, Object *ret) {
        CLEANUP(freep) char *id = redact_word(&ctl->options, "id", name);
        CLEANUP(search_deinit) Search search = { .name = name, .id = id };
        Exit code = EXIT_DONE;

        if (resolve_tail(name, ret))
                return EXIT_DONE;

        for (Kind kind = 0; kind < _KIND_MAX && code == EXIT_DONE && !search.exact; kind++)
                code = all_digits(name) ? search_number(ctl, kind, &search)
                                        : search_lists(ctl, kind, &search);
        if (code != EXIT_DONE)
                return code;
        if (search.n_found == 0)
                return failure_say(&ctl->options, EXIT_NOT_FOUND, SD_BUS_ERROR_UNKNOWN_OBJECT,
                                   "no session and no participant is \"%s\"", name);
        if (search.n_found > 1)
                return ambiguous(ctl, "object", &search,
                                 "say session/NUMBER or participant/NUMBER");

        *ret = search.found[0];
        return EXIT_DONE;
}
