/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/notify.h"

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <systemd/sd-daemon.h>

#include "base/fd.h"

#define WAITING_MAX 16

struct Notify {
        int fd;                    /* -1: there is nobody to tell */
        sd_event_source *writable; /* enabled while something waits */
        sd_event_source *watchdog;
        uint64_t watchdog_usec;
        NotifyProgress progress;
        void *userdata;             /* of progress */
        char *waiting[WAITING_MAX]; /* in their order */
        size_t n_waiting;
};

/* Whether it was sent, or never can be. */
static bool notify_send(Notify *notify, const char *text) {
        ssize_t n;

        do
                n = send(notify->fd, text, strlen(text), MSG_DONTWAIT | MSG_NOSIGNAL);
        while (n < 0 && errno == EINTR);
        return n >= 0 || (errno != EAGAIN && errno != ENOBUFS);
}

static void notify_drop(Notify *notify, size_t i) {
        free(notify->waiting[i]);
        notify->n_waiting--;
        memmove(notify->waiting + i, notify->waiting + i + 1,
                (notify->n_waiting - i) * sizeof(*notify->waiting));
}

/* Those that are said over and over are of no use but in their last form. */
static bool says_the_like(const char *a, const char *b) {
        size_t n = strcspn(a, "=") + 1;

        return strncmp(a, b, n) == 0 && !strchr(a, '\n') && !strchr(b, '\n') &&
               (strncmp(a, "STATUS=", n) == 0 || strncmp(a, "WATCHDOG=", n) == 0);
}

static void notify_wait(Notify *notify, char *text) {
        for (size_t i = 0; i < notify->n_waiting; i++)
                if (says_the_like(notify->waiting[i], text))
                        notify_drop(notify, i--);
        if (notify->n_waiting == WAITING_MAX)
                notify_drop(notify, 0);
        notify->waiting[notify->n_waiting++] = text;
        (void)sd_event_source_set_enabled(notify->writable, SD_EVENT_ON);
}

/* A connected datagram socket is writable when its peer's queue has room (unix(7), poll). */
static int on_writable(sd_event_source *source, int fd, uint32_t events, void *userdata) {
        Notify *notify = userdata;

        (void)fd;
        (void)events;
        while (notify->n_waiting > 0 && notify_send(notify, notify->waiting[0]))
                notify_drop(notify, 0);
        if (notify->n_waiting == 0)
                (void)sd_event_source_set_enabled(source, SD_EVENT_OFF);
        return 0;
}

void notify_tell(Notify *notify, const char *format, ...) {
        CLEANUP(freep) char *text = NULL;
        va_list arguments;
        int length;

        if (!notify || notify->fd < 0)
                return;

        va_start(arguments, format);
        length = vasprintf(&text, format, arguments);
        va_end(arguments);
        if (length < 0)
                text = NULL;
        else if (notify->n_waiting > 0 || !notify_send(notify, text))
                notify_wait(notify, TAKE(text));
}

/* A path, or with @ in front an abstract name. */
static int notify_connect(const char *name) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        size_t n = name ? strlen(name) : 0;
        CLEANUP(closep) int fd = -1;

        if (n < 2 || n >= sizeof(address.sun_path) || (name[0] != '/' && name[0] != '@'))
                return -1;
        memcpy(address.sun_path, name, n);
        if (name[0] == '@')
                address.sun_path[0] = '\0';
        else
                n++;
        fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        if (fd < 0 || connect(fd, (struct sockaddr *)&address,
                              (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n)) < 0)
                return -1;
        return TAKE_FD(fd);
}

void notify_end(const char *reason) {
        CLEANUP(closep) int fd = notify_connect(getenv("NOTIFY_SOCKET"));
        CLEANUP(freep) char *text = NULL;

        if (fd < 0)
                return;
        if (asprintf(&text, "STATUS=%s", reason) < 0)
                text = NULL;
        else
                (void)send(fd, text, strlen(text), MSG_DONTWAIT | MSG_NOSIGNAL);
}

/* Twice in the time that the manager allows, as sd_watchdog_enabled(3) has it. What only takes long
 * is looked at again soon, and often enough that it is never taken for what stands still. */
static int on_watchdog(sd_event_source *source, uint64_t at, void *userdata) {
        Notify *notify = userdata;
        usec_t span = notify->watchdog_usec;
        bool progress = notify->progress(usec_min(span / 8, USEC_PER_SEC), notify->userdata);

        (void)at;
        if (progress)
                notify_tell(notify, "WATCHDOG=1");
        (void)sd_event_source_set_time_relative(source, progress ? span / 2 : span / 16);
        return 0;
}

static int notify_feed(Notify *notify, sd_event *event) {
        int r;

        r = sd_watchdog_enabled(false, &notify->watchdog_usec);
        if (r <= 0)
                return r;
        r = sd_event_add_time_relative(event, &notify->watchdog, CLOCK_MONOTONIC, 0,
                                       notify->watchdog_usec / 8, on_watchdog, notify);
        if (r < 0)
                return r;
        return sd_event_source_set_enabled(notify->watchdog, SD_EVENT_ON);
}

int notify_new(Notify **ret, sd_event *event, NotifyProgress progress, void *userdata) {
        CLEANUP(notify_freep) Notify *notify = calloc(1, sizeof(*notify));
        int r;

        if (!notify)
                return -ENOMEM;
        notify->progress = progress;
        notify->userdata = userdata;
        notify->fd = notify_connect(getenv("NOTIFY_SOCKET"));
        if (notify->fd >= 0) {
                r = sd_event_add_io(event, &notify->writable, notify->fd, EPOLLOUT, on_writable,
                                    notify);
                if (r < 0)
                        return r;
                r = sd_event_source_set_enabled(notify->writable, SD_EVENT_OFF);
                if (r < 0)
                        return r;
                r = notify_feed(notify, event);
                if (r < 0)
                        return r;
        }
        *ret = TAKE(notify);
        return 0;
}

Notify *notify_free(Notify *notify) {
        if (!notify)
                return NULL;
        while (notify->n_waiting > 0)
                notify_drop(notify, 0);
        sd_event_source_unref(notify->watchdog);
        sd_event_source_unref(notify->writable);
        closep(&notify->fd);
        free(notify);
        return NULL;
}
