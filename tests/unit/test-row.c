/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit/unit.h"

#include "core/request.h"

static void test_id(void **state) {
        static const char longest[] =
                "0123456789012345678901234567890123456789012345678901234567890123";
        ApiId id = { 0 };

        (void)state;
        assert_true(api_id_set(&id, longest));
        assert_string_equal(api_id_text(&id), longest);
        assert_true(api_id_set(&id, "a_B-9"));
        assert_false(api_id_set(&id, ""));
        assert_false(api_id_set(&id, ".."));
        assert_false(api_id_set(&id, "a/b"));
        assert_false(api_id_set(&id, "%2e%2e"));
        assert_false(api_id_set(
                &id, "01234567890123456789012345678901234567890123456789012345678901234"));
        assert_string_equal(api_id_text(&id), "a_B-9");
}

static const struct {
        const char *text;
        bool apart; /* it takes memory of its own */
} packed_cases[] = {
        /* In their order. */
        { "", false },
        { "-", true },
        { "1234567", true },
        { "12345678-9abc-4def-0123-456789abcdef", true }, /* another variant */
        { "12345678-9abc-4def-8123-456789abcde", true },
        { "12345678-9abc-4def-8123-456789abcdef", false },
        { "12345678-9abc-4def-8123-456789abcdef0", true },
        { "12345678-9abc-4def-8123_456789abcdef", true },
        { "12345678-9abc-4def-bfff-ffffffffffff", false },
        { "12345678-9abc-4def-ffff-fffffffffffe", false },
        { "123456789abc4def8123456789abcdef", true },
        { "A2345678-9abc-4def-8123-456789abcdef", true },
        { "a2345678-9abc-4def-8123-456789abcdef", false },
        { "a2345678-9abc-4def-8123-456789abcdeg", true },
        { "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-", true },
        { "ffffffff-ffff-ffff-ffff-ffffffffffff", false },
        { "fffffffffffffffffffffffffffffffffffff", true },
};

static ApiId packed_case(size_t i) {
        ApiId id = { 0 };

        if (packed_cases[i].text[0])
                assert_true(api_id_set(&id, packed_cases[i].text));
        return id;
}

/* Every id comes back as it went in; and a UUID takes 16 bytes. */
static void test_packed_id(void **state) {
        (void)state;
        assert_int_equal(sizeof(PackedId), 16);
        for (size_t i = 0; i < ELEMENTSOF(packed_cases); i++) {
                const ApiId id = packed_case(i);
                const PackedId borrowed = packed_id_borrow(&id);
                PackedId packed, copy;

                assert_int_equal(packed_id_set(&packed, &id), 0);
                assert_int_equal(packed_id_copy(&copy, &packed), 0);
                assert_true(packed_id_equal(&packed, &copy));
                assert_true(packed_id_equal(&packed, &borrowed));
                assert_int_equal(packed_id_is_known(&packed), i > 0);
                assert_int_equal(packed.text != copy.text, packed_cases[i].apart);
                packed_id_deinit(&packed);
                assert_false(packed_id_is_known(&packed));
                assert_string_equal(packed_id_unpack(&copy).text, packed_cases[i].text);
                packed_id_deinit(&copy);
        }
}

/* Packed or not, they are in the order of their texts. */
static void test_packed_id_order(void **state) {
        (void)state;
        for (size_t i = 0; i < ELEMENTSOF(packed_cases); i++)
                for (size_t j = 0; j < ELEMENTSOF(packed_cases); j++) {
                        const ApiId a = packed_case(i), b = packed_case(j);
                        const PackedId left = packed_id_borrow(&a), right = packed_id_borrow(&b);
                        const int order = packed_id_compare(&left, &right);

                        assert_int_equal((order > 0) - (order < 0), (i > j) - (i < j));
                        assert_int_equal(packed_id_equal(&left, &right), i == j);
                }
}

/* The order in which publishers and aliases were given makes no difference. */
static void test_place_is_a_set(void **state) {
        char a[] = "a", b[] = "b";
        char *ab[] = { a, b }, *ba[] = { b, a };
        Publisher first[] = { { .number = 1, .aliases = ab, .n_aliases = 2 }, { .number = 2 } };
        Publisher second[] = { { .number = 2 }, { .number = 1, .aliases = ba, .n_aliases = 2 } };
        CLEANUP(place_unrefp) Place *one = NULL, *other = NULL;

        (void)state;
        assert_int_equal(place_new(&one, 5, NULL, MODE_PARTICIPANTS, first, 2), 0);
        assert_int_equal(place_new(&other, 5, NULL, MODE_PARTICIPANTS, second, 2), 0);
        assert_true(place_equal(one, other));
        assert_true(place_lists(one, 2));
        assert_false(place_lists(one, 3));
        assert_false(place_equal(one, NULL));
        assert_true(place_equal(NULL, NULL));
}

/* The last publisher that goes leaves nothing to be heard, never everybody. */
static void test_place_without(void **state) {
        Publisher publishers[] = { { .number = 1 }, { .number = 2 } };
        CLEANUP(place_unrefp) Place *both = NULL, *one = NULL, *none = NULL;

        (void)state;
        assert_int_equal(place_new(&both, 5, NULL, MODE_PARTICIPANTS, publishers, 2), 0);
        assert_int_equal(place_without(&one, both, 1), 0);
        assert_int_equal(one->mode, MODE_PARTICIPANTS);
        assert_int_equal(one->n_publishers, 1);
        assert_int_equal(place_without(&none, one, 2), 0);
        assert_int_equal(none->mode, MODE_NONE);
        assert_int_equal(none->n_publishers, 0);
        assert_true(place_same_session(both, none));
}

static void has_texts(const Spec *spec, const char *const texts[_SPEC_TEXT_MAX]) {
        for (SpecText text = 0; text < _SPEC_TEXT_MAX; text++)
                assert_string_equal(spec_text(spec, text), texts[text]);
}

/* The texts of a Spec lie side by side: one that grows or shrinks moves those behind it. */
static void test_spec_texts(void **state) {
        CLEANUP(spec_unrefp) Spec *spec = NULL;

        (void)state;
        assert_int_equal(spec_new(&spec), 0);
        spec->owner = 7;
        spec->permissions = PUBLISH_VIDEO;
        spec->stranger = true;
        has_texts(spec, (const char *const[]){ "", "", "", "", "" });

        assert_int_equal(spec_set_text(&spec, SPEC_CLIENT_NAME, ":1.7"), 0);
        assert_int_equal(spec_set_text(&spec, SPEC_TAG, "desk"), 0);
        assert_int_equal(spec_set_text(&spec, SPEC_DEVICE_API_VERSION, "V3"), 0);
        has_texts(spec, (const char *const[]){ "desk", "", "V3", "", ":1.7" });
        assert_int_equal(spec_set_text(&spec, SPEC_TAG, ""), 0);
        assert_int_equal(spec_set_text(&spec, SPEC_CALLBACK_URL, spec_text(spec, SPEC_CLIENT_NAME)),
                         0);
        has_texts(spec, (const char *const[]){ "", ":1.7", "V3", "", ":1.7" });

        assert_int_equal(spec->n_refs, 1);
        assert_int_equal(spec->owner, 7);
        assert_int_equal(spec->permissions, PUBLISH_VIDEO);
        assert_true(spec->stranger);
}

static void test_spec_copy(void **state) {
        CLEANUP(spec_unrefp) Spec *spec = NULL, *shared = NULL, *copy = NULL;

        (void)state;
        assert_int_equal(spec_new(&spec), 0);
        spec->created_at = 5;
        assert_int_equal(spec_set_text(&spec, SPEC_TAG, "desk"), 0);
        assert_int_equal(spec_set_text(&spec, SPEC_CLIENT_BUS, "bus"), 0);
        shared = spec_ref(spec);

        assert_int_equal(spec_copy(&copy, spec), 0);
        assert_int_equal(copy->n_refs, 1);
        assert_int_equal(copy->created_at, 5);
        assert_int_equal(spec_set_text(&copy, SPEC_TAG, "chair"), 0);
        has_texts(copy, (const char *const[]){ "chair", "", "", "bus", "" });
        has_texts(spec, (const char *const[]){ "desk", "", "", "bus", "" });
}

static void test_state(void **state) {
        Row row = { .goals[BEING] = { .wanted_rev = 1 } };
        ApiId id;

        (void)state;
        assert_int_equal(row_state(&row), STATE_PENDING);
        assert_false(row_in_sync(&row));
        assert_true(api_id_set(&id, "x"));
        assert_int_equal(row_set_id(&row, &id), 0);
        assert_int_equal(row_state(&row), STATE_ACTIVE);
        assert_false(row_in_sync(&row));
        row.goals[BEING].agreed_rev = 1;
        assert_true(row_in_sync(&row));
        row.failed = true;
        assert_int_equal(row_state(&row), STATE_FAILED);
        assert_false(row_in_sync(&row));
        row.gone = true;
        assert_int_equal(row_state(&row), STATE_DELETING);
        packed_id_deinit(&row.id);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_id),
                cmocka_unit_test(test_packed_id),
                cmocka_unit_test(test_packed_id_order),
                cmocka_unit_test(test_place_is_a_set),
                cmocka_unit_test(test_place_without),
                cmocka_unit_test(test_spec_texts),
                cmocka_unit_test(test_spec_copy),
                cmocka_unit_test(test_state),
        };

        return cmocka_run_group_tests_name("row", tests, NULL, NULL);
}
