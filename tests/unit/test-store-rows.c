/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit/store-fixture.h"

#include <errno.h>

static Place *place_of(uint64_t session, const char *foreign, Mode mode,
                       const Publisher *publishers, size_t n_publishers) {
        ApiId id = foreign ? id_of(foreign) : (ApiId){ 0 };
        Place *place = NULL;

        assert_int_equal(place_new(&place, session, &id, mode, publishers, n_publishers), 0);
        return place;
}

static Place *place_with_many(uint64_t session) {
        char *aliases[] = { (char *)"screen", (char *)"", (char *)"caméra, 'x'; --\n",
                            (char *)"a" };
        Publisher publishers[40] = { 0 };

        for (size_t i = 0; i < ELEMENTSOF(publishers); i++)
                publishers[i].number = 3 * i + 2;
        publishers[0] =
                (Publisher){ .id = id_of("somebody-else"), .aliases = aliases, .n_aliases = 4 };
        publishers[1] =
                (Publisher){ .id = id_of("another"), .aliases = aliases + 1, .n_aliases = 1 };
        publishers[7].aliases = aliases;
        publishers[7].n_aliases = 2;
        publishers[8].number = INT64_MAX;
        return place_of(session, NULL, MODE_PARTICIPANTS, publishers, ELEMENTSOF(publishers));
}

static void fill_spec(Spec **ret) {
        Spec *spec = *ret;

        spec->owner = UINT32_MAX - 1;
        spec->lifetime = LIFETIME_CLIENT;
        spec->created_at = USEC_NEVER;
        spec->permissions = PUBLISH_AUDIO | PUBLISH_VIDEO;
        spec->at_most_once = true;
        spec->stranger = true;
        assert_int_equal(
                spec_set_text(&spec, SPEC_TAG, "desk 4 \xf0\x9f\x93\x9e'; DROP TABLE objects; --"),
                0);
        assert_int_equal(spec_set_text(&spec, SPEC_CALLBACK_URL, "https://example.com/?a=b&c=%20"),
                         0);
        assert_int_equal(spec_set_text(&spec, SPEC_DEVICE_API_VERSION, "V3"), 0);
        assert_int_equal(spec_set_text(&spec, SPEC_CLIENT_BUS, "0123456789abcdef0123456789abcdef"),
                         0);
        assert_int_equal(spec_set_text(&spec, SPEC_CLIENT_NAME, ":1.4294967295"), 0);
        *ret = spec;
}

/* Every field at the end of its range, and every text awkward. */
static Row full_row(void) {
        CLEANUP(freep) char *message = malloc(100001);
        Row row = row_of(KIND_PARTICIPANT, INT64_MAX);

        assert_non_null(message);
        memset(message, 'm', 100000);
        message[100000] = 0;

        fill_spec(&row.spec);
        set_id(&row, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-");
        row.gone = row.failed = row.attempt_open = row.has_token = true;
        row.n_unknown = UINT8_MAX;
        row.wanted = place_with_many(INT64_MAX);
        row.observed = place_of(0, "their-session", MODE_SESSION, NULL, 0);
        for (Aspect aspect = 0; aspect < _ASPECT_MAX; aspect++)
                row.goals[aspect] = (Goal){ UINT32_MAX - aspect, 5, UINT32_MAX - 10 - aspect };
        row.expires_at = USEC_NEVER;
        row.synced_at = (usec_t)INT64_MAX + 1;
        row.n_failed = UINT32_MAX;
        assert_int_equal(row_set_error(&row, OUTCOME_INVALID, message), 0);
        return row;
}

static void assert_same_spec(const Spec *a, const Spec *b) {
        assert_int_equal(a->owner, b->owner);
        assert_int_equal(a->lifetime, b->lifetime);
        assert_int_equal(a->created_at, b->created_at);
        assert_int_equal(a->permissions, b->permissions);
        assert_int_equal(a->at_most_once, b->at_most_once);
        assert_int_equal(a->stranger, b->stranger);
        for (SpecText text = 0; text < _SPEC_TEXT_MAX; text++)
                assert_string_equal(spec_text(a, text), spec_text(b, text));
}

static void assert_same_row(const Row *a, const Row *b) {
        assert_true(row_equal_on_disk(a, b));
        assert_same_spec(a->spec, b->spec);
        for (Aspect aspect = 0; aspect < _ASPECT_MAX; aspect++)
                assert_int_equal(b->goals[aspect].sent_rev, b->goals[aspect].agreed_rev);
        assert_int_equal(a->last_error, b->last_error);
        assert_int_equal(!a->last_message, !b->last_message);
        if (a->last_message)
                assert_string_equal(a->last_message, b->last_message);
        assert_int_equal(a->synced_at, b->synced_at);
        assert_int_equal(a->n_failed, b->n_failed);
}

/* Commits, opens again, and takes out what is there; the store is open after. */
static void commit_and_restore(Fixture *f, const Batch *batch, Restored *restored) {
        fixture_attach(f);
        assert_int_equal(fixture_commit(f, batch), 0);
        fixture_close(f);
        fixture_open(f);
        assert_int_equal(fixture_restore(f, restored, NULL), 0);
}

static void test_round_trip(void **state) {
        BatchRow rows[] = {
                { .row = full_row() },
                { .row = row_of(KIND_PARTICIPANT, 3) },
                { .row = row_of(KIND_SESSION, INT64_MAX) },
                { .row = row_of(KIND_PARTICIPANT, 2) },
                { .row = row_of(KIND_SESSION, 1) },
        };
        static const size_t order[] = { 4, 2, 3, 1, 0 };
        Batch batch = batch_of(rows, ELEMENTSOF(rows));
        Restored restored = { 0 };
        Fixture *f = *state;

        rows[1].row.wanted = place_of(0, "x", MODE_NONE, NULL, 0);
        rows[1].row.observed = place_of(0, "x", MODE_NONE, NULL, 0);
        rows[3].row.wanted = place_with_many(9);
        rows[3].row.observed = place_ref(rows[0].row.wanted);
        /* The same API id for a session and for a participant is nothing wrong. */
        set_id(&rows[4].row, row_id(&rows[0].row).text);
        batch.counters.suspected_orphans = UINT64_MAX;
        batch.counters.quiet_until = UINT64_MAX;
        batch.counters.copies = 3;
        batch.counters.unread[KIND_SESSION] = 1;
        batch.counters.unread[KIND_PARTICIPANT] = INT64_MAX;

        commit_and_restore(f, &batch, &restored);
        assert_int_equal(restored.n_rows, ELEMENTSOF(rows));
        for (size_t i = 0; i < restored.n_rows; i++)
                assert_same_row(&rows[order[i]].row, restored.rows + i);
        assert_ptr_equal(restored.rows[3].wanted, restored.rows[3].observed);
        assert_memory_equal(&restored.counters, &batch.counters, sizeof(Counters));
        assert_int_equal(restored.n_tombstones, 0);

        restored_deinit(&restored);
        for (size_t i = 0; i < ELEMENTSOF(rows); i++)
                row_deinit(&rows[i].row);
}

static void test_rewrite(void **state) {
        BatchRow row = { .row = full_row() };
        Batch batch = batch_of(&row, 1);
        Restored restored = { 0 };
        Fixture *f = *state;

        fixture_attach(f);
        assert_int_equal(fixture_commit(f, &batch), 0);
        fixture_close(f);

        row_deinit(&row.row);
        row.row = row_of(KIND_PARTICIPANT, INT64_MAX);
        batch.counters_changed = false;
        batch.counters = (Counters){ 0 };
        commit_and_restore(f, &batch, &restored);
        assert_int_equal(restored.n_rows, 1);
        assert_same_row(&row.row, restored.rows);
        assert_int_equal(restored.counters.last_number[KIND_PARTICIPANT], INT64_MAX);
        assert_int_equal(fixture_query(f, "SELECT count(*) FROM subscriptions"), 0);

        restored_deinit(&restored);
        row_deinit(&row.row);
}

static void test_not_to_disk(void **state) {
        BatchRow rows[] = {
                { .row = row_of(KIND_SESSION, 1) },
                { .row = row_of(KIND_SESSION, 2) },
                { .row = row_of(KIND_SESSION, 3), .removed = true },
        };
        BatchRow before = { .row = row_of(KIND_SESSION, 3) };
        Batch batch = batch_of(rows, ELEMENTSOF(rows)), first = batch_of(&before, 1);
        Restored restored = { 0 };
        Fixture *f = *state;

        fixture_attach(f);
        assert_int_equal(fixture_commit(f, &first), 0);
        fixture_close(f);
        rows[0].to_disk = rows[2].to_disk = false;
        commit_and_restore(f, &batch, &restored);
        assert_int_equal(restored.n_rows, 2);
        assert_int_equal(restored.rows[0].number, 2);
        assert_int_equal(restored.rows[1].number, 3);

        restored_deinit(&restored);
        row_deinit(&before.row);
        for (size_t i = 0; i < ELEMENTSOF(rows); i++)
                row_deinit(&rows[i].row);
}

static void test_removed(void **state) {
        BatchRow rows[] = {
                { .row = row_of(KIND_PARTICIPANT, 1), .token = (char *)"secret" },
                { .row = row_of(KIND_PARTICIPANT, 2), .token = (char *)"secret" },
                { .row = row_of(KIND_PARTICIPANT, 3) },
        };
        Batch batch = batch_of(rows, ELEMENTSOF(rows));
        Restored restored = { 0 };
        Fixture *f = *state;

        set_id(&rows[0].row, "first");
        rows[0].row.wanted = place_with_many(1);
        set_id(&rows[1].row, "second");
        fixture_attach(f);
        assert_int_equal(fixture_commit(f, &batch), 0);
        fixture_close(f);

        for (size_t i = 0; i < ELEMENTSOF(rows); i++)
                rows[i].removed = true;
        rows[0].tombstone = rows[2].tombstone = true; /* the last one has no id to keep */
        commit_and_restore(f, &batch, &restored);
        assert_int_equal(restored.n_rows, 0);
        assert_int_equal(fixture_query(f, "SELECT count(*) FROM subscriptions"), 0);
        assert_int_equal(fixture_query(f, "SELECT count(*) FROM tokens"), 0);
        assert_int_equal(restored.n_tombstones, 1);
        assert_int_equal(restored.tombstones[0].kind, KIND_PARTICIPANT);
        assert_int_equal(restored.tombstones[0].number, 1);
        assert_string_equal(api_id_text(&restored.tombstones[0].id), "first");
        assert_int_equal(restored.tombstones[0].removed_at, batch.sealed_at);

        restored_deinit(&restored);
        for (size_t i = 0; i < ELEMENTSOF(rows); i++)
                row_deinit(&rows[i].row);
}

/* An id that passes from one row to another in the same batch, whatever their order in it. */
static void test_id_passes_on(void **state) {
        BatchRow rows[] = {
                { .row = row_of(KIND_SESSION, 2) },
                { .row = row_of(KIND_SESSION, 1), .removed = true },
        };
        BatchRow before = { .row = row_of(KIND_SESSION, 1) };
        Batch batch = batch_of(rows, 2), first = batch_of(&before, 1);
        Fixture *f = *state;

        set_id(&before.row, "passed-on");
        set_id(&rows[0].row, "passed-on");
        set_id(&rows[1].row, "passed-on");
        fixture_attach(f);
        assert_int_equal(fixture_commit(f, &first), 0);
        assert_int_equal(fixture_commit(f, &batch), 0);
        assert_int_equal(fixture_query(f, "SELECT number FROM objects WHERE api_id = 'passed-on'"),
                         2);

        /* Two rows of one id are refused, and nothing of that batch is there. */
        before.row.number = 9;
        first = batch_of(&before, 1);
        assert_int_equal(fixture_commit(f, &first), -EEXIST);
        assert_int_equal(fixture_query(f, "SELECT count(*) FROM objects"), 1);
        assert_int_equal(fixture_query(f, "SELECT last_session FROM counters"), 2);
        fixture_execute(f, "UPDATE counters SET last_session = 3"); /* the lock is free again */

        row_deinit(&before.row);
        row_deinit(&rows[0].row);
        row_deinit(&rows[1].row);
}

static void commit_tombstone(Fixture *f, uint64_t number, const char *id, usec_t removed_at) {
        BatchRow row = { .row = row_of(KIND_SESSION, number), .removed = true, .tombstone = true };
        Batch batch = batch_of(&row, 1);

        set_id(&row.row, id);
        batch.sealed_at = removed_at;
        assert_int_equal(fixture_commit(f, &batch), 0);
        row_deinit(&row.row);
}

/* What is adopted again has none any more, also where it went in the same batch. */
static void test_tombstone_goes(void **state) {
        BatchRow rows[] = {
                { .row = row_of(KIND_SESSION, 2), .revived = true },
                { .row = row_of(KIND_SESSION, 1), .removed = true, .tombstone = true },
        };
        Batch batch = batch_of(rows, 2);
        Fixture *f = *state;

        set_id(&rows[0].row, "back");
        set_id(&rows[1].row, "back");
        fixture_attach(f);
        commit_tombstone(f, 1, "other", test_now.realtime);
        commit_tombstone(f, 1, "back", test_now.realtime);
        assert_int_equal(fixture_commit(f, &batch), 0);
        assert_int_equal(fixture_query(f, "SELECT count(*) FROM tombstones"), 1);
        assert_int_equal(fixture_query(f, "SELECT count(*) FROM tombstones WHERE api_id = 'other'"),
                         1);
        assert_int_equal(fixture_query(f, "SELECT number FROM objects WHERE api_id = 'back'"), 2);

        row_deinit(&rows[0].row);
        row_deinit(&rows[1].row);
}

static void test_tombstones_age(void **state) {
        const usec_t start = test_now.realtime;
        Restored restored = { 0 };
        Fixture *f = *state;

        fixture_attach(f);
        commit_tombstone(f, 1, "old", start - 24 * USEC_PER_HOUR - 1);
        commit_tombstone(f, 2, "young", start - 24 * USEC_PER_HOUR);
        assert_int_equal(fixture_query(f, "SELECT count(*) FROM tombstones"), 2);
        fixture_close(f);

        fixture_open(f);
        assert_int_equal(fixture_restore(f, &restored, NULL), 0);
        assert_int_equal(restored.n_tombstones, 1);
        assert_int_equal(restored.tombstones[0].number, 2);
        restored_deinit(&restored);
        fixture_close(f);

        /* Not at every commit, but within the hour. */
        fixture_attach(f);
        commit_tombstone(f, 3, "new", start + USEC_PER_MIN);
        assert_int_equal(fixture_query(f, "SELECT count(*) FROM tombstones"), 2);
        commit_tombstone(f, 3, "new", start + USEC_PER_HOUR);
        assert_int_equal(fixture_query(f, "SELECT count(*) FROM tombstones"), 1);
        assert_int_equal(fixture_query(f, "SELECT removed_at FROM tombstones"),
                         start + USEC_PER_HOUR);
}

/* Each of these files passes SQLite's own check, and none can be what we wrote. */
static void test_impossible_values(void **state) {
        static const struct {
                const char *name, *sql, *expect;
        } cases[] = {
                { "kind", "UPDATE objects SET kind = 2 WHERE kind = 1", "kind of" },
                { "number", "UPDATE objects SET number = -1 WHERE kind = 0", "number of session" },
                { "number 0", "UPDATE objects SET number = 0 WHERE kind = 0", "above the last" },
                { "number given", "UPDATE counters SET last_session = 3", "above the last" },
                { "id", "UPDATE objects SET api_id = '../x'", "api_id of session 4" },
                { "no id", "UPDATE objects SET api_id = ''", "api_id of session 4" },
                { "bool", "UPDATE objects SET gone = 2", "gone of session 4" },
                { "n_unknown", "UPDATE objects SET n_unknown = 256", "n_unknown of session 4" },
                { "owner", "UPDATE objects SET owner = 4294967296", "owner of session 4" },
                { "lifetime", "UPDATE objects SET lifetime = 2", "lifetime of session 4" },
                { "permissions", "UPDATE objects SET permissions = 4", "permissions of session 4" },
                { "text with NUL", "UPDATE objects SET tag = 'a' || char(0) || 'b'",
                  "tag of session 4" },
                { "mode", "UPDATE objects SET wanted_mode = 3 WHERE kind = 1",
                  "wanted_mode of part" },
                { "lost list", "DELETE FROM subscriptions", "wanted_mode of participant 5" },
                { "list of none", "UPDATE objects SET wanted_mode = 1 WHERE kind = 1",
                  "wanted_mode of part" },
                { "list of nobody", "INSERT INTO subscriptions VALUES (1, 6, 0, 0, 1, NULL, NULL)",
                  "subscriptions of nobody" },
                { "side", "UPDATE subscriptions SET side = 2", "side of subscription" },
                { "publisher", "UPDATE subscriptions SET publisher = -5",
                  "publisher of subscription" },
                { "session", "UPDATE objects SET wanted_session = -1", "wanted_session of" },
                { "session in a session", "UPDATE objects SET wanted_mode = 0, wanted_session = 4",
                  "wanted_session of session 4" },
                { "session of no id",
                  "UPDATE objects SET observed_mode = 0, observed_session = 0 WHERE kind = 1",
                  "observed_session of participant 5" },
                { "revision", "UPDATE objects SET being_agreed = -1", "being_agreed of session 4" },
                { "error", "UPDATE objects SET last_error = 99", "last_error of session 4" },
                { "counters", "DELETE FROM counters", "counters are missing" },
                { "counter", "UPDATE counters SET last_session = -1", "last_session of counters" },
                { "tombstone", "INSERT INTO tombstones VALUES (0, '', 1, 1800000000000000)",
                  "api_id of tombstone" },
        };
        BatchRow rows[] = { { .row = row_of(KIND_SESSION, 4) },
                            { .row = row_of(KIND_PARTICIPANT, 5) } };
        Batch batch = batch_of(rows, ELEMENTSOF(rows));
        Fixture *f = *state;

        rows[1].row.wanted = place_with_many(4);
        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                Restored restored = { 0 };

                fixture_attach(f);
                assert_int_equal(fixture_commit(f, &batch), 0);
                fixture_close(f);
                fixture_execute(f, cases[i].sql);
                fixture_open(f);
                CASE(cases[i].name,
                     fixture_restore(f, &restored, cases[i].expect) == STORE_REFUSED);
                restored_deinit(&restored);
                fixture_close(f);
                fixture_execute(f, "DELETE FROM objects; DELETE FROM subscriptions;"
                                   "DELETE FROM tombstones; DELETE FROM counters;"
                                   "INSERT INTO counters VALUES (1, 0, 0, 0, 0, 0, 0, 0)");
        }
        row_deinit(&rows[0].row);
        row_deinit(&rows[1].row);
}

static void test_callback_fails(void **state) {
        BatchRow rows[] = { { .row = row_of(KIND_SESSION, 4) },
                            { .row = row_of(KIND_PARTICIPANT, 5) } };
        Batch batch = batch_of(rows, ELEMENTSOF(rows));
        Restored restored = { .fail_at = 2, .fail_with = -ENOMEM };
        Fixture *f = *state;

        fixture_attach(f);
        assert_int_equal(fixture_commit(f, &batch), 0);
        fixture_close(f);
        fixture_open(f);
        assert_int_equal(fixture_restore(f, &restored, NULL), -ENOMEM);
        assert_int_equal(restored.n_rows, 1);
        restored_deinit(&restored);

        restored = (Restored){ .fail_at = 2, .fail_with = -EEXIST };
        assert_int_equal(
                fixture_restore(f, &restored, "participant 5 has a number or an id that another"),
                STORE_REFUSED);
        restored_deinit(&restored);
        row_deinit(&rows[0].row);
        row_deinit(&rows[1].row);
}

#define STORE_TEST(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                STORE_TEST(test_round_trip),     STORE_TEST(test_rewrite),
                STORE_TEST(test_not_to_disk),    STORE_TEST(test_removed),
                STORE_TEST(test_id_passes_on),   STORE_TEST(test_tombstones_age),
                STORE_TEST(test_tombstone_goes), STORE_TEST(test_impossible_values),
                STORE_TEST(test_callback_fails),
        };

        return cmocka_run_group_tests_name("store: rows", tests, NULL, NULL);
}
