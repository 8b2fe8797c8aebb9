/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Other clocks for one program:
 *
 *     LD_PRELOAD=clocks.so CLOCKS_FILE=FILE convened ...
 *
 * The file holds two signed 64 bit numbers: by how many microseconds CLOCK_REALTIME and
 * CLOCK_BOOTTIME are ahead, which a test changes while the program runs. Timers on the latter
 * follow. CLOCK_MONOTONIC is left alone: a machine that slept is one whose two clocks have come
 * apart. A program built with address sanitizers wants ASAN_OPTIONS=verify_asan_link_order=0 beside
 * it.
 */

#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define FDS_MAX 1024

static const int64_t *offsets; /* of CLOCK_REALTIME, CLOCK_BOOTTIME */
static bool is_boottime[FDS_MAX];

__attribute__((constructor)) static void set_up(void) {
        const char *path = getenv("CLOCKS_FILE");
        int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;

        if (fd < 0)
                return;
        offsets = mmap(NULL, 2 * sizeof(*offsets), PROT_READ, MAP_SHARED, fd, 0);
        if (offsets == MAP_FAILED)
                abort();
        close(fd);
}

static void move(struct timespec *time, int64_t usec) {
        int64_t nsec = time->tv_nsec + usec % 1000000 * 1000;

        time->tv_sec += usec / 1000000 + nsec / 1000000000;
        time->tv_nsec = nsec % 1000000000;
        if (time->tv_nsec < 0) {
                time->tv_nsec += 1000000000;
                time->tv_sec--;
        }
}

int clock_gettime(clockid_t id, struct timespec *time) {
        int r = (int)syscall(SYS_clock_gettime, id, time);

        if (r < 0 || !offsets)
                return r;
        if (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE)
                move(time, offsets[0]);
        if (id == CLOCK_BOOTTIME)
                move(time, offsets[1]);
        return r;
}

int timerfd_create(clockid_t id, int flags) {
        int fd = (int)syscall(SYS_timerfd_create, id, flags);

        if (fd >= 0 && fd < FDS_MAX)
                is_boottime[fd] = id == CLOCK_BOOTTIME;
        return fd;
}

int timerfd_settime(int fd, int flags, const struct itimerspec *value, struct itimerspec *before) {
        struct itimerspec moved = *value;

        if (offsets && fd < FDS_MAX && is_boottime[fd] && flags & TFD_TIMER_ABSTIME &&
            value->it_value.tv_sec > 0) {
                move(&moved.it_value, -offsets[1]);
                /* Long ago; nothing at all would be never. */
                if (moved.it_value.tv_sec < 0)
                        moved.it_value = (struct timespec){ .tv_nsec = 1 };
        }
        return (int)syscall(SYS_timerfd_settime, fd, flags, &moved, before);
}
