/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit/unit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "api/buffer.h"

static void test_bound(void **state) {
        Buffer buffer = { 0 };

        (void)state;
        assert_string_equal(buffer_text(&buffer), "");
        assert_int_equal(buffer_append(&buffer, "1234", 4, 6), 0);
        assert_int_equal(buffer_append(&buffer, "567", 3, 6), -E2BIG);
        assert_string_equal(buffer_text(&buffer), "1234");
        assert_int_equal(buffer_append(&buffer, "56", 2, 6), 0);
        assert_string_equal(buffer_text(&buffer), "123456");
        buffer_deinit(&buffer);
}

/* The same memory, and nothing is left in it. */
static void test_clear(void **state) {
        static const char secret[] = "a token, and what is said beside it";
        Buffer buffer = { 0 };
        const char *data;
        size_t allocated;

        (void)state;
        assert_int_equal(buffer_append(&buffer, secret, strlen(secret), SIZE_MAX), 0);
        data = buffer.data;
        allocated = buffer.allocated;
        buffer_clear(&buffer);
        assert_string_equal(buffer_text(&buffer), "");
        assert_int_equal(buffer.n, 0);
        for (size_t i = 0; i < strlen(secret); i++)
                assert_int_equal(data[i], 0);

        assert_int_equal(buffer_append(&buffer, "next", 4, SIZE_MAX), 0);
        assert_ptr_equal(buffer.data, data);
        assert_int_equal(buffer.allocated, allocated);
        assert_string_equal(buffer_text(&buffer), "next");
        buffer_deinit(&buffer);
}

static void test_clear_large(void **state) {
        char *large = calloc(1, 100000);
        Buffer buffer = { 0 };

        (void)state;
        assert_non_null(large);
        assert_int_equal(buffer_append(&buffer, large, 100000, SIZE_MAX), 0);
        buffer_clear(&buffer);
        assert_null(buffer.data);
        assert_int_equal(buffer.allocated, 0);
        buffer_clear(&buffer);
        assert_string_equal(buffer_text(&buffer), "");
        free(large);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_bound),
                cmocka_unit_test(test_clear),
                cmocka_unit_test(test_clear_large),
        };

        return cmocka_run_group_tests_name("buffer", tests, NULL, NULL);
}
