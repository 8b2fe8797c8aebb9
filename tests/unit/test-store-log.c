/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit/store-fixture.h"

#include <endian.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/*
 * A log that is damaged, and one that is torn. It is made as a kill leaves it: small transactions
 * of one row each, and a last one of many. Behind them lie frames of before it was begun anew.
 */

#define N_OLDER      200
#define FIRST        1001
#define N_SMALL      6
#define N_LARGE      100
#define FRAME_HEADER 24
#define FRAME_SIZE   (FRAME_HEADER + 4096)
#define FIRST_FRAME  32

#define LOG STATE_FILE "-wal"

typedef struct Bytes {
        uint8_t *bytes;
        size_t n;
} Bytes;

static void bytes_free(Bytes *bytes) {
        free(bytes->bytes);
}

static Bytes bytes_read(const char *path) {
        FILE *file = fopen(path, "re");
        Bytes bytes = { 0 };
        struct stat st;

        assert_non_null(file);
        assert_int_equal(fstat(fileno(file), &st), 0);
        bytes.n = (size_t)st.st_size;
        bytes.bytes = malloc(bytes.n + 1);
        assert_non_null(bytes.bytes);
        assert_int_equal(fread(bytes.bytes, 1, bytes.n, file), bytes.n);
        assert_int_equal(fclose(file), 0);
        return bytes;
}

static void bytes_write(const Bytes *bytes, const char *path) {
        FILE *file = fopen(path, "we");

        assert_non_null(file);
        assert_int_equal(fwrite(bytes->bytes, 1, bytes->n, file), bytes->n);
        assert_int_equal(fclose(file), 0);
}

/* Puts sessions with these numbers in one transaction. */
static void put(Fixture *f, uint64_t first, size_t n) {
        BatchRow rows[N_OLDER] = { 0 };
        char text[1000] = "";
        Batch batch;

        memset(text, 't', sizeof(text) - 1);
        for (size_t i = 0; i < n; i++) {
                rows[i].row = row_of(KIND_SESSION, first + i);
                assert_int_equal(spec_set_text(&rows[i].row.spec, SPEC_TAG, text), 0);
        }
        batch = batch_of(rows, n);
        assert_int_equal(fixture_commit(f, &batch), 0);
        for (size_t i = 0; i < n; i++)
                row_deinit(&rows[i].row);
}

/* Puts sessions in a process that then is gone, as by a kill: first some one by one, then some in
 * one transaction. "before" is a copy of the log without the latter. */
static void run_killed(Fixture *f, uint64_t first, size_t n_small, size_t n_large) {
        int status;
        pid_t child;

        child = fork();
        if (child == 0) {
                /* The loop of the parent is not for others. */
                assert_true(sd_event_new(&f->event) >= 0);
                fixture_attach(f);
                for (size_t i = 0; i < n_small; i++)
                        put(f, first++, 1);
                Bytes before = bytes_read(fixture_path(f, LOG));
                bytes_write(&before, fixture_path(f, "../before"));
                if (n_large > 0)
                        put(f, first, n_large);
                _exit(EXIT_SUCCESS);
        }
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_int_equal(status, 0);
}

/* The state directory as it was left, and what is known of its log. */
typedef struct Left {
        Bytes file, log, before;
        size_t n_frames; /* with the salts of the header: the others are of before */
        size_t last;     /* the first of the last transaction */
} Left;

static uint32_t word_at(const Bytes *bytes, size_t at) {
        uint32_t word;

        memcpy(&word, bytes->bytes + at, sizeof(word));
        return be32toh(word);
}

static size_t frame_at(size_t frame) {
        return FIRST_FRAME + frame * FRAME_SIZE;
}

static bool is_commit(const Left *left, size_t frame) {
        return word_at(&left->log, frame_at(frame) + 4) != 0;
}

static bool is_ours(const Left *left, size_t frame) {
        return memcmp(left->log.bytes + 16, left->log.bytes + frame_at(frame) + 8, 8) == 0;
}

static void make_left(Fixture *f, Left *left) {
        *left = (Left){ 0 };
        run_killed(f, 1, 1, N_OLDER);
        /* This merges what there is when it starts, so that its log begins anew. */
        run_killed(f, FIRST, N_SMALL, N_LARGE);
        left->file = bytes_read(fixture_path(f, STATE_FILE));
        left->log = bytes_read(fixture_path(f, LOG));
        left->before = bytes_read(fixture_path(f, "../before"));

        while (is_ours(left, left->n_frames))
                left->n_frames++;
        assert_true(is_commit(left, left->n_frames - 1));
        left->last = left->n_frames - 1;
        while (!is_commit(left, left->last - 1))
                left->last--;
        assert_true(left->last >= N_SMALL && left->n_frames - left->last > 5);
        /* Of before, a commit among them. */
        assert_true(is_commit(left, left->log.n / FRAME_SIZE - 1));
        assert_false(is_ours(left, left->log.n / FRAME_SIZE - 1));
}

static void left_free(Left *left) {
        bytes_free(&left->file);
        bytes_free(&left->log);
        bytes_free(&left->before);
}

/* Puts everything as it was left, with another log. */
static void put_back(const Fixture *f, const Left *left, const Bytes *log) {
        (void)unlink(fixture_path(f, STATE_FILE "-shm"));
        bytes_write(&left->file, fixture_path(f, STATE_FILE));
        bytes_write(log, fixture_path(f, LOG));
}

static LogFile look_at(const Fixture *f) {
        CLEANUP(freep) char *reason = NULL;
        LogFile log = { .state = _LOG_MAX };
        Directory directory = { .path = (char *)f->directory };

        directory.fd = open(f->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        assert_true(directory.fd >= 0);
        assert_int_equal(directory_find_log(&directory, &log, &reason), 0);
        close(directory.fd);
        return log;
}

/* A start that goes well, on so many of the sessions that were put last. */
static void expect_sessions(Fixture *f, int64_t n) {
        fixture_open(f);
        assert_int_equal(fixture_query(f, "SELECT count(*) FROM objects WHERE number > 1000"), n);
        fixture_close(f);
}

/* What is said of a log with a byte changed, anywhere. */
static LogState with_byte_changed(const Fixture *f, const Left *left, size_t at) {
        int fd = open(fixture_path(f, LOG), O_WRONLY | O_CLOEXEC);
        uint8_t byte = left->log.bytes[at] ^ 0x10;
        LogState state;

        assert_true(fd >= 0);
        assert_int_equal(pwrite(fd, &byte, 1, (off_t)at), 1);
        state = look_at(f).state;
        assert_int_equal(pwrite(fd, left->log.bytes + at, 1, (off_t)at), 1);
        close(fd);
        return state;
}

/* Every frame, in every field. A damaged header that lies across two sectors may be a torn one. */
static void test_every_frame(void **state) {
        static const size_t fields[] = { 8, 12, 16, 20, FRAME_HEADER, FRAME_SIZE - 1 };
        Fixture *f = *state;
        Left left;

        make_left(f, &left);
        assert_int_equal(look_at(f).state, LOG_WHOLE);
        assert_int_equal(look_at(f).end, frame_at(left.n_frames));
        for (size_t frame = 0; frame < left.n_frames; frame++) {
                bool across = frame_at(frame) % 512 > 512 - FRAME_HEADER;
                size_t n_commits = 0;
                LogState expect;

                for (size_t i = frame + across; i < left.n_frames; i++)
                        n_commits += is_commit(&left, i);
                expect = n_commits > 1 ? LOG_DAMAGED : n_commits > 0 ? LOG_TORN : LOG_WHOLE;
                for (size_t i = 0; i < ELEMENTSOF(fields); i++)
                        assert_int_equal(with_byte_changed(f, &left, frame_at(frame) + fields[i]),
                                         expect);
        }
        assert_int_equal(with_byte_changed(f, &left, frame_at(left.n_frames)), LOG_WHOLE);
        left_free(&left);
}

static void change(const Fixture *f, const Left *left, size_t at) {
        Bytes log = left->log;

        log.bytes[at] ^= 1;
        put_back(f, left, &log);
        log.bytes[at] ^= 1;
}

/* Covers "state file: a log that is damaged". */
static void test_damaged(void **state) {
        Fixture *f = *state;
        Left left;

        make_left(f, &left);
        const struct {
                const char *where;
                size_t frame;
        } cases[] = {
                { "that is damaged behind byte 32, in the midst", 0 },
                { "that is damaged behind byte ", left.last / 2 },
                { "that is damaged behind byte ", left.last - 1 },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                Bytes log, after;

                change(f, &left, frame_at(cases[i].frame) + 1000);
                log = bytes_read(fixture_path(f, LOG));
                fixture_refused(f, cases[i].where);
                fixture_refused(f, "a copy set aside as state.db.damaged-");
                after = bytes_read(fixture_path(f, LOG));
                assert_int_equal(after.n, log.n);
                assert_memory_equal(after.bytes, log.bytes, log.n);
                bytes_free(&after);
                bytes_free(&log);
                after = bytes_read(fixture_path(f, STATE_FILE));
                assert_int_equal(after.n, left.file.n);
                assert_memory_equal(after.bytes, left.file.bytes, after.n);
                bytes_free(&after);
        }
        put_back(f, &left, &left.log);
        expect_sessions(f, N_SMALL + N_LARGE);
        left_free(&left);
}

/* Covers "state file: a log that is torn". Nobody was told of the last one unless it was whole. */
static void test_torn(void **state) {
        Fixture *f = *state;
        Left left;

        make_left(f, &left);
        const size_t frames[] = { left.last, (left.last + left.n_frames) / 2, left.n_frames - 1 };

        for (size_t i = 0; i < ELEMENTSOF(frames); i++) {
                change(f, &left, frame_at(frames[i]) + 1000);
                assert_int_equal(look_at(f).state, LOG_TORN);
                assert_int_equal(look_at(f).end, frame_at(left.last));
                expect_sessions(f, N_SMALL);
        }
        left_free(&left);
}

/* Whatever sectors of the last transaction a power cut has kept from the disk. */
static void test_torn_anyhow(void **state) {
        Fixture *f = *state;
        Left left;

        make_left(f, &left);
        assert_true(left.before.n >= frame_at(left.n_frames));
        for (unsigned seed = 1; seed <= 300; seed++) {
                Bytes log = { malloc(left.log.n), left.log.n };
                LogState found;

                assert_non_null(log.bytes);
                memcpy(log.bytes, left.log.bytes, log.n);
                srand48(seed);
                for (size_t at = 0; at + 512 <= left.before.n; at += 512)
                        if (lrand48() % (seed % 100 + 2) == 0)
                                memcpy(log.bytes + at, left.before.bytes + at, 512);
                bytes_write(&log, fixture_path(f, LOG));
                found = look_at(f).state;
                assert_true(found == LOG_TORN || found == LOG_WHOLE);
                if (seed % 50 == 0) {
                        put_back(f, &left, &log);
                        fixture_open(f);
                        fixture_close(f);
                        put_back(f, &left, &left.log);
                }
                bytes_free(&log);
        }
        left_free(&left);
}

/* A transaction that was torn leaves nothing behind that, beside a second one, looks like a
 * damage. */
static void test_torn_twice(void **state) {
        Fixture *f = *state;
        Left left;
        size_t end;

        make_left(f, &left);
        change(f, &left, frame_at(left.last) + 1000);
        /* That it is known now is written down, which begins no log anew. */
        f->machine = "0123456789abcdef0123456789abcdef";
        run_killed(f, FIRST, 0, 0);
        end = look_at(f).end;
        assert_true(end > frame_at(left.last) && end < frame_at(left.n_frames));

        Bytes log = bytes_read(fixture_path(f, LOG));
        assert_int_equal(log.n, end);
        log.bytes[end - 1000] ^= 1;
        bytes_write(&log, fixture_path(f, LOG));
        assert_int_equal(look_at(f).state, LOG_TORN);
        expect_sessions(f, N_SMALL);
        bytes_free(&log);
        left_free(&left);
}

/* A header of a frame that lies across two sectors is a commit only where it is whole. */
static void test_torn_header(void **state) {
        Fixture *f = *state;
        Left left;
        unsigned n_across = 0;

        make_left(f, &left);
        for (size_t frame = left.last; frame + 1 < left.n_frames; frame++) {
                bool across = frame_at(frame) % 512 > 512 - FRAME_HEADER;

                assert_false(is_commit(&left, frame));
                assert_int_equal(with_byte_changed(f, &left, frame_at(frame) + 4),
                                 across ? LOG_TORN : LOG_DAMAGED);
                n_across += across;
        }
        assert_true(n_across > 0);
        left_free(&left);
}

/* A frame that was not written to its end, and room for more that nobody has written to. */
static void test_longer(void **state) {
        static const size_t cuts[] = { FRAME_SIZE, FRAME_SIZE - FRAME_HEADER, 2000, 0 };
        Fixture *f = *state;
        Left left;
        Bytes log;

        make_left(f, &left);
        log = left.log;
        for (size_t i = 0; i < ELEMENTSOF(cuts); i++) {
                bool whole = cuts[i] == 0;

                log.n = frame_at(left.n_frames) - cuts[i];
                put_back(f, &left, &log);
                assert_int_equal(look_at(f).state, LOG_WHOLE);
                assert_int_equal(look_at(f).end, frame_at(whole ? left.n_frames : left.last));
                assert_int_equal(truncate(fixture_path(f, LOG), (off_t)left.log.n), 0);
                assert_int_equal(look_at(f).state,
                                 whole || cuts[i] == FRAME_SIZE ? LOG_WHOLE : LOG_TORN);
                expect_sessions(f, whole ? N_SMALL + N_LARGE : N_SMALL);
        }
        left_free(&left);
}

static void sum_add(uint32_t sum[2], const uint8_t *bytes, size_t n, bool big_endian) {
        for (size_t i = 0; i < n; i += 8) {
                uint32_t words[2];

                memcpy(words, bytes + i, sizeof(words));
                for (size_t j = 0; j < 2; j++) {
                        uint32_t word = big_endian ? be32toh(words[j]) : le32toh(words[j]);

                        sum[j] += word + sum[!j];
                }
        }
}

static void sum_write(const uint32_t sum[2], uint8_t *bytes) {
        const uint32_t words[] = { htobe32(sum[0]), htobe32(sum[1]) };

        memcpy(bytes, words, sizeof(words));
}

/* As a machine of that byte order would have written it. */
static void write_sums(const Left *left, bool big_endian) {
        uint8_t *bytes = left->log.bytes;
        uint32_t sum[2] = { 0 };

        bytes[3] = big_endian ? 0x83 : 0x82;
        sum_add(sum, bytes, 24, big_endian);
        sum_write(sum, bytes + 24);
        for (size_t i = 0; i < left->n_frames; i++) {
                uint8_t *frame = bytes + frame_at(i);

                sum_add(sum, frame, 8, big_endian);
                sum_add(sum, frame + FRAME_HEADER, FRAME_SIZE - FRAME_HEADER, big_endian);
                sum_write(sum, frame + 16);
        }
}

static void test_byte_orders(void **state) {
        Fixture *f = *state;
        Left left;

        make_left(f, &left);
        for (int big_endian = 0; big_endian < 2; big_endian++) {
                write_sums(&left, big_endian);
                put_back(f, &left, &left.log);
                assert_int_equal(look_at(f).state, LOG_WHOLE);
                assert_int_equal(look_at(f).end, frame_at(left.n_frames));
                expect_sessions(f, N_SMALL + N_LARGE);
                change(f, &left, frame_at(left.last) + 1000);
                expect_sessions(f, N_SMALL);
                change(f, &left, frame_at(1) + 1000);
                fixture_refused(f, "in the midst of what was stored");
        }
        left_free(&left);
}

#define STORE_TEST(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                STORE_TEST(test_every_frame), STORE_TEST(test_damaged),
                STORE_TEST(test_torn),        STORE_TEST(test_torn_anyhow),
                STORE_TEST(test_torn_twice),  STORE_TEST(test_torn_header),
                STORE_TEST(test_longer),      STORE_TEST(test_byte_orders),
        };

        return cmocka_run_group_tests_name("store: log", tests, NULL, NULL);
}
