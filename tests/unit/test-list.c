/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit/unit.h"

#include "base/text.h"
#include "bus/internal.h"
#include "bus/list.h"
#include "unit/pipe.h"
#include "unit/registry.h"

#define FEW  10000
#define MANY 30000

/*
 * Sessions 1 … MANY. Every third has the tag "third"; ids of the first FEW / 2 begin with "few-",
 * of all others with "many-"; every thousandth has failed and has none; number 7 has an owner of
 * its own. Participants 1 … 30: the first 20 in session 1, the others in session 2; 4 and 24 are
 * "x".
 */
typedef struct World {
        Pipe ends;
        Core *core;
        Bus bus;
} World;

static int setup(void **state) {
        World *world = calloc(1, sizeof(*world));

        world->ends = pipe_open();
        assert_int_equal(core_new(&world->core, &registry_config), 0);
        world->bus.core = world->core;
        for (unsigned i = 1; i <= MANY; i++) {
                char id[20];

                snprintf(id, sizeof(id), "%s-%u", i <= FEW / 2 ? "few" : "many", i);
                registry_add(world->core, &(Entry){ .kind = KIND_SESSION,
                                                    .number = i,
                                                    .tag = i % 3 == 0 ? "third" : "other",
                                                    .id = i % 1000 == 0 ? NULL : id,
                                                    .failed = i % 1000 == 0,
                                                    .owner = i == 7 ? 1000 : 0 });
        }
        for (unsigned i = 1; i <= 30; i++) {
                char id[20];

                snprintf(id, sizeof(id), "p-%u", i);
                registry_add(world->core, &(Entry){ .kind = KIND_PARTICIPANT,
                                                    .number = i,
                                                    .tag = i % 20 == 4 ? "x" : NULL,
                                                    .id = id,
                                                    .session = i <= 20 ? 1 : 2,
                                                    .open = i == 30 });
        }
        *state = world;
        return 0;
}

static int teardown(void **state) {
        World *world = *state;

        pipe_close(&world->ends);
        core_free(world->core);
        free(world);
        return 0;
}

typedef struct Page {
        size_t n;
        uint64_t numbers[LIST_LIMIT_MAX], next;
} Page;

static void rows_read(sd_bus_message *message, Page *page) {
        const char *path;

        assert_true(sd_bus_message_enter_container(message, 'a', "(oa{sv})") > 0);
        while (sd_bus_message_enter_container(message, 'r', "oa{sv}") > 0) {
                assert_true(sd_bus_message_read(message, "o", &path) > 0);
                page->numbers[page->n++] = strtoull(strrchr(path, '/') + 1, NULL, 10);
                assert_true(sd_bus_message_skip(message, "a{sv}") > 0);
                assert_true(sd_bus_message_exit_container(message) > 0);
        }
        assert_true(sd_bus_message_exit_container(message) > 0);
        assert_true(sd_bus_message_read(message, "t", &page->next) > 0);
}

static Page list(World *world, Kind kind, const Arguments *filter, uint64_t after, uint32_t limit) {
        Query query = { .kind = kind, .filter = filter, .after = after, .limit = limit };
        sd_bus_message *message = NULL;
        Page page = { 0 };

        assert_true(sd_bus_message_new_signal(world->ends.client, &message, "/a", "a.b", "C") >= 0);
        assert_true(list_append(&world->bus, &query, message) >= 0);
        assert_true(sd_bus_message_seal(message, 1, 0) >= 0);
        rows_read(message, &page);
        sd_bus_message_unref(message);
        return page;
}

/* Walks all pages; returns how many rows there were, and counts the pages. */
static size_t walk(World *world, const Arguments *filter, uint32_t limit, size_t *ret_pages) {
        uint64_t after = 0, last = 0;
        size_t n = 0;

        *ret_pages = 0;
        do {
                Page page = list(world, KIND_SESSION, filter, after, limit);

                for (size_t i = 0; i < page.n; i++) {
                        assert_true(page.numbers[i] > last);
                        last = page.numbers[i];
                }
                assert_true(page.next == 0 || page.next > after);
                assert_true(page.n <= limit);
                n += page.n;
                after = page.next;
                (*ret_pages)++;
        } while (after != 0);
        return n;
}

#define FILTER(argument, ...)                                                                      \
        &(Arguments) {                                                                             \
                .given = ARGUMENT_BIT(argument), __VA_ARGS__                                       \
        }

/* Covers "list: objects of one call", "key: Manager.ListSessions State",
 * "key: Manager.ListSessions Owner", "key: Manager.ListSessions InSync",
 * "key: Manager.ListSessions IdPrefix". */
static void test_pages(void **state) {
        static const struct {
                const char *name;
                Arguments filter;
                uint32_t limit;
                size_t n, n_pages;
        } cases[] = {
                { "all", { .given = 0 }, 1000, MANY, MANY / 1000 },
                { "an index for the tag",
                  { .given = ARGUMENT_BIT(ARGUMENT_TAG), .tag = "third" },
                  1000,
                  MANY / 3,
                  MANY / 3 / 1000 },
                { "no such tag", { .given = ARGUMENT_BIT(ARGUMENT_TAG), .tag = "a" }, 10, 0, 1 },
                { "10,000 objects looked at",
                  { .given = ARGUMENT_BIT(ARGUMENT_STATE), .state = STATE_FAILED },
                  1000,
                  MANY / 1000,
                  MANY / LIST_LOOKS_MAX },
                { "none at all",
                  { .given = ARGUMENT_BIT(ARGUMENT_STATE), .state = STATE_DELETING },
                  1000,
                  0,
                  MANY / LIST_LOOKS_MAX },
                { "one owner",
                  { .given = ARGUMENT_BIT(ARGUMENT_OWNER), .owner = 1000 },
                  10,
                  1,
                  MANY / LIST_LOOKS_MAX },
                { "not in sync",
                  { .given = ARGUMENT_BIT(ARGUMENT_IN_SYNC), .in_sync = false },
                  1000,
                  MANY / 1000,
                  MANY / LIST_LOOKS_MAX },
                { "a prefix of few",
                  { .given = ARGUMENT_BIT(ARGUMENT_ID_PREFIX), .id_prefix = "few-" },
                  1000,
                  FEW / 2 - 5,
                  5 },
                { "a prefix of one",
                  { .given = ARGUMENT_BIT(ARGUMENT_ID_PREFIX), .id_prefix = "many-20001" },
                  10,
                  1,
                  1 },
                { "a whole id and more",
                  { .given = ARGUMENT_BIT(ARGUMENT_ID_PREFIX), .id_prefix = "many-200010" },
                  10,
                  0,
                  1 },
                { "two filters",
                  { .given = ARGUMENT_BIT(ARGUMENT_TAG) | ARGUMENT_BIT(ARGUMENT_OWNER),
                    .tag = "third",
                    .owner = 1000 },
                  10,
                  0,
                  1 },
        };
        World *world = *state;

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                size_t n_pages, n = walk(world, &cases[i].filter, cases[i].limit, &n_pages);

                if (n != cases[i].n || n_pages != cases[i].n_pages)
                        fail_msg("%s: %zu rows on %zu pages", cases[i].name, n, n_pages);
        }
}

/* More than the index may cost: the objects are looked at in their order instead. */
static void test_long_prefix(void **state) {
        Arguments filter = { .given = ARGUMENT_BIT(ARGUMENT_ID_PREFIX), .id_prefix = "many-" };
        World *world = *state;
        size_t n_pages;

        assert_int_equal(walk(world, &filter, 1000, &n_pages), MANY - FEW / 2 - 25);
        assert_true(n_pages >= 25 && n_pages <= 27);
        /* Half of the looks went to the index. */
        assert_int_equal(list(world, KIND_SESSION, &filter, 0, 1000).next, FEW / 2);
}

static void test_next(void **state) {
        World *world = *state;
        Arguments none = { 0 };
        Page page = list(world, KIND_PARTICIPANT, &none, 0, 29);

        assert_int_equal(page.n, 29);
        assert_int_equal(page.next, 29);
        page = list(world, KIND_PARTICIPANT, &none, 29, 29);
        assert_int_equal(page.n, 1);
        assert_int_equal(page.next, 0);
        page = list(world, KIND_PARTICIPANT, &none, 0, 30);
        assert_int_equal(page.n, 30);
        assert_int_equal(page.next, 0);
        page = list(world, KIND_PARTICIPANT, &none, UINT64_MAX, 30);
        assert_int_equal(page.n, 0);
        assert_int_equal(page.next, 0);
}

static void test_session(void **state) {
        World *world = *state;
        Page page = list(world, KIND_PARTICIPANT, FILTER(ARGUMENT_SESSION, .session = 2), 0, 100);

        assert_int_equal(page.n, 10);
        assert_int_equal(page.numbers[0], 21);
        page = list(world, KIND_PARTICIPANT, FILTER(ARGUMENT_SESSION, .session = 1), 18, 1);
        assert_int_equal(page.n, 1);
        assert_int_equal(page.numbers[0], 19);
        assert_int_equal(page.next, 19);
        page = list(world, KIND_PARTICIPANT, FILTER(ARGUMENT_SESSION, .session = 0), 0, 100);
        assert_int_equal(page.n, 0);
        page = list(
                world, KIND_PARTICIPANT,
                &(Arguments){ .given = ARGUMENT_BIT(ARGUMENT_SESSION) | ARGUMENT_BIT(ARGUMENT_TAG),
                              .session = 2,
                              .tag = "x" },
                0, 100);
        assert_int_equal(page.n, 1);
        assert_int_equal(page.numbers[0], 24);
}

static void test_fields(void **state) {
        const Arguments none = { 0 };
        sd_bus_error error = SD_BUS_ERROR_NULL;
        uint32_t fields;

        (void)state;
        assert_int_equal(list_fields(KIND_SESSION, &none, &fields, NULL), 0);
        assert_int_equal(fields, interface_all(&session_interface));
        assert_int_equal(list_fields(KIND_SESSION,
                                     FILTER(ARGUMENT_FIELDS, .fields = { "Tag", "Participants" }),
                                     &fields, NULL),
                         0);
        assert_int_equal(fields, interface_find(&session_interface, "Tag") |
                                         interface_find(&session_interface, "Participants"));
        assert_int_equal(list_fields(KIND_SESSION, FILTER(ARGUMENT_FIELDS), &fields, NULL), 0);
        assert_int_equal(fields, 0);
        assert_true(list_fields(KIND_SESSION,
                                FILTER(ARGUMENT_FIELDS, .fields = { "Tag", "CallbackUrl" }),
                                &fields, &error) < 0);
        assert_true(sd_bus_error_has_name(&error, SD_BUS_ERROR_INVALID_ARGS));
        assert_string_equal(error.message, "Fields: \"CallbackUrl\" is no property of a session.");
        sd_bus_error_free(&error);
        assert_int_equal(list_fields(KIND_PARTICIPANT,
                                     FILTER(ARGUMENT_FIELDS, .fields = { "Tag", "CallbackUrl" }),
                                     &fields, NULL),
                         0);
        assert_true(list_fields(KIND_SESSION, FILTER(ARGUMENT_FIELDS, .fields = { "Tag", "Tag" }),
                                &fields, NULL) < 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_pages),  cmocka_unit_test(test_long_prefix),
                cmocka_unit_test(test_next),   cmocka_unit_test(test_session),
                cmocka_unit_test(test_fields),
        };

        return cmocka_run_group_tests_name("list", tests, setup, teardown);
}
