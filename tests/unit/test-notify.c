/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit/folder.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "daemon/notify.h"

/* A service manager, and whoever tells it. */
typedef struct Manager {
        Folder folder;
        int fd;
        sd_event *event;
        Notify *notify;
} Manager;

static bool progress(usec_t patience, void *userdata) {
        (void)patience;
        (void)userdata;
        return true;
}

static int manager_setup(void **state) {
        Manager *manager = calloc(1, sizeof(*manager));
        struct sockaddr_un address = { .sun_family = AF_UNIX };

        folder_init(&manager->folder);
        strcpy(address.sun_path, folder_path(&manager->folder, "notify"));
        manager->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        assert_int_equal(bind(manager->fd, (struct sockaddr *)&address, sizeof(address)), 0);
        setenv("NOTIFY_SOCKET", address.sun_path, 1);
        assert_true(sd_event_new(&manager->event) >= 0);
        assert_int_equal(notify_new(&manager->notify, manager->event, progress, NULL), 0);
        *state = manager;
        return 0;
}

static int manager_teardown(void **state) {
        Manager *manager = *state;

        notify_free(manager->notify);
        sd_event_unref(manager->event);
        close(manager->fd);
        folder_deinit(&manager->folder);
        free(manager);
        return 0;
}

/* The next datagram; NULL: there is none. Holds until the next call. */
static const char *manager_read(Manager *manager) {
        static char text[256];
        ssize_t n = recv(manager->fd, text, sizeof(text) - 1, 0);

        if (n < 0)
                assert_int_equal(errno, EAGAIN);
        text[n < 0 ? 0 : n] = '\0';
        return n < 0 ? NULL : text;
}

/* Returns how many fitted in. */
static unsigned manager_fill(Manager *manager) {
        struct sockaddr_un address;
        socklen_t size = sizeof(address);
        unsigned n = 0;
        int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

        assert_int_equal(getsockname(manager->fd, (struct sockaddr *)&address, &size), 0);
        while (sendto(fd, "full", 4, MSG_DONTWAIT, (struct sockaddr *)&address, size) == 4)
                n++;
        assert_int_equal(errno, EAGAIN);
        close(fd);
        return n;
}

static void test_tells(void **state) {
        Manager *manager = *state;

        notify_tell(manager->notify, "READY=%d", 1);
        assert_string_equal(manager_read(manager), "READY=1");
        assert_null(manager_read(manager));
}

/* It is not waited for; what was to be said follows in its order, once. */
static void test_waits_for_nobody(void **state) {
        Manager *manager = *state;
        unsigned n = manager_fill(manager);

        notify_tell(manager->notify, "RELOADING=1\nMONOTONIC_USEC=7");
        for (unsigned i = 0; i < 100; i++) {
                notify_tell(manager->notify, "STATUS=%u", i);
                notify_tell(manager->notify, "WATCHDOG=1");
        }
        notify_tell(manager->notify, "READY=1");
        assert_int_equal(sd_event_run(manager->event, 0), 0);

        while (n-- > 0)
                assert_string_equal(manager_read(manager), "full");
        assert_null(manager_read(manager));
        assert_true(sd_event_run(manager->event, 1000000) > 0);
        assert_string_equal(manager_read(manager), "RELOADING=1\nMONOTONIC_USEC=7");
        assert_string_equal(manager_read(manager), "STATUS=99");
        assert_string_equal(manager_read(manager), "WATCHDOG=1");
        assert_string_equal(manager_read(manager), "READY=1");
        assert_null(manager_read(manager));
        assert_int_equal(sd_event_run(manager->event, 0), 0);
}

/* However much is to be said: a bounded part of it is kept, and that is the last. */
static void test_keeps_the_last(void **state) {
        Manager *manager = *state;
        unsigned n = manager_fill(manager), last = 0, n_kept = 0;
        const char *text;

        for (unsigned i = 1; i <= 100; i++)
                notify_tell(manager->notify, "READY=%u", i);
        while (n-- > 0)
                assert_non_null(manager_read(manager));
        while (sd_event_run(manager->event, 0) > 0)
                while ((text = manager_read(manager))) {
                        unsigned number = (unsigned)strtoul(text + strlen("READY="), NULL, 10);

                        assert_true(number > last);
                        last = number;
                        n_kept++;
                }
        assert_int_equal(last, 100);
        assert_in_range(n_kept, 2, 16);
}

static void test_manager_that_ended(void **state) {
        Manager *manager = *state;

        manager_fill(manager);
        notify_tell(manager->notify, "READY=1");
        close(manager->fd);
        manager->fd = -1;
        assert_true(sd_event_run(manager->event, 1000000) > 0);
        notify_tell(manager->notify, "STATUS=late");
        assert_int_equal(sd_event_run(manager->event, 0), 0);
}

static void test_nobody_to_tell(void **state) {
        static const char *const names[] = { NULL, "", "@", "relative", "/nowhere/notify" };
        char name[200];

        (void)state;
        memset(name, 'x', sizeof(name));
        name[0] = '/';
        name[sizeof(name) - 1] = '\0';
        for (size_t i = 0; i <= ELEMENTSOF(names); i++) {
                const char *value = i < ELEMENTSOF(names) ? names[i] : name;
                CLEANUP(notify_freep) Notify *notify = NULL;
                sd_event *event;

                unsetenv("NOTIFY_SOCKET");
                if (value)
                        setenv("NOTIFY_SOCKET", value, 1);
                assert_true(sd_event_new(&event) >= 0);
                assert_int_equal(notify_new(&notify, event, progress, NULL), 0);
                notify_tell(notify, "READY=1");
                sd_event_unref(event);
        }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, manager_setup, manager_teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(test_tells),
                TEST(test_waits_for_nobody),
                TEST(test_keeps_the_last),
                TEST(test_manager_that_ended),
                cmocka_unit_test(test_nobody_to_tell),
        };

        return cmocka_run_group_tests_name("notify", tests, NULL, NULL);
}
