/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/sleep.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "base/text.h"
#include "base/time.h"
#include "daemon/journal.h"

#define LOGIND           "org.freedesktop.login1"
#define LOGIND_PATH      "/org/freedesktop/login1"
#define LOGIND_INTERFACE "org.freedesktop.login1.Manager"

/* logind waits for 5 seconds if nobody has configured otherwise (InhibitDelayMaxSec= in
 * logind.conf(5)). */
#define PREPARE_USEC (4 * USEC_PER_SEC)

/* After the system bus was lost: it is restarted, or it is not coming back. */
#define CONNECT_USEC USEC_PER_SEC
#define CONNECT_MAX  30

struct Sleep {
        sd_event *event;
        sd_event_source *timer; /* the bound of preparing; or the next attempt to connect */
        sd_bus *bus;            /* NULL: none */
        unsigned n_connects;    /* attempts since it last answered */
        sd_bus_slot *signal, *owner_changed, *disconnected, *inhibit;
        char *owner; /* unique name of logind, NULL: there is none, or it has not answered */
        int lock;    /* -1: none */
        bool preparing, ready;
        SleepHooks hooks;
};

static void sleep_set_timer(Sleep *sleep, usec_t span) {
        (void)sd_event_source_set_time_relative(sleep->timer, span);
        (void)sd_event_source_set_enabled(sleep->timer, SD_EVENT_ONESHOT);
}

static void sleep_wake(Sleep *sleep) {
        bool preparing = sleep->preparing;

        sleep_woke(sleep);
        if (preparing)
                sleep->hooks.wake(sleep->hooks.userdata);
}

static void sleep_take_lock(Sleep *sleep, sd_bus_message *reply) {
        int fd;

        if (sd_bus_message_is_method_error(reply, NULL)) {
                journal_log(LOG_DEBUG, NULL, "logind gives no lock against sleep: %s",
                            sd_bus_message_get_error(reply)->name);
                return;
        }
        if (sd_bus_message_read(reply, "h", &fd) < 0)
                return;
        closep(&sleep->lock);
        sleep->lock = fcntl(fd, F_DUPFD_CLOEXEC, 3);
}

static int sleep_set_owner(Sleep *sleep, const char *owner) {
        char *copy = NULL;

        if (owner) {
                copy = strdup(owner);
                if (!copy)
                        return -ENOMEM;
        }
        free(sleep->owner);
        sleep->owner = copy;
        return 0;
}

static int on_lock(sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        const char *sender = sd_bus_message_get_sender(reply);
        Sleep *sleep = userdata;

        (void)error;
        sleep->inhibit = sd_bus_slot_unref(sleep->inhibit);
        /* Whether it gives a lock or not: this is who tells of sleep. */
        if (sender && sender[0] == ':')
                (void)sleep_set_owner(sleep, sender);
        sleep_take_lock(sleep, reply);
        return 0;
}

/* It is not started for this: where it is not running, nobody puts the machine to sleep. */
static void sleep_inhibit(Sleep *sleep) {
        sd_bus_message *call = NULL;
        int r;

        sleep->inhibit = sd_bus_slot_unref(sleep->inhibit);
        r = sd_bus_message_new_method_call(sleep->bus, &call, LOGIND, LOGIND_PATH, LOGIND_INTERFACE,
                                           "Inhibit");
        if (r >= 0)
                r = sd_bus_message_set_auto_start(call, false);
        if (r >= 0)
                r = sd_bus_message_append(call, "ssss", "sleep", "convened",
                                          "Requests to the API are brought to an end", "delay");
        if (r >= 0)
                (void)sd_bus_call_async(sleep->bus, &sleep->inhibit, call, on_lock, sleep, 0);
        sd_bus_message_unref(call);
}

/* Anybody may send a signal of that name to us. */
static bool is_from_logind(const Sleep *sleep, sd_bus_message *signal) {
        const char *sender = sd_bus_message_get_sender(signal);

        return sender && sleep->owner && streq(sender, sleep->owner);
}

static int on_signal(sd_bus_message *signal, void *userdata, sd_bus_error *error) {
        Sleep *sleep = userdata;
        int begins;

        (void)error;
        if (!is_from_logind(sleep, signal) || sd_bus_message_read(signal, "b", &begins) < 0)
                return 0;
        if (!begins) {
                sleep_inhibit(sleep);
                sleep_wake(sleep);
        } else if (!sleep->preparing) {
                sleep->preparing = true;
                sleep_set_timer(sleep, PREPARE_USEC);
                sleep->hooks.prepare(sleep->hooks.userdata);
        }
        return 0;
}

static int on_owner_changed(sd_bus_message *signal, void *userdata, sd_bus_error *error) {
        const char *name, *before, *after;
        Sleep *sleep = userdata;

        (void)error;
        if (sd_bus_message_read(signal, "sss", &name, &before, &after) < 0 || !streq(name, LOGIND))
                return 0;
        (void)sleep_set_owner(sleep, NULL);
        closep(&sleep->lock);
        if (*after != '\0')
                sleep_inhibit(sleep);
        sleep_wake(sleep);
        return 0;
}

static void sleep_disconnect(Sleep *sleep) {
        sleep->inhibit = sd_bus_slot_unref(sleep->inhibit);
        sleep->signal = sd_bus_slot_unref(sleep->signal);
        sleep->owner_changed = sd_bus_slot_unref(sleep->owner_changed);
        sleep->disconnected = sd_bus_slot_unref(sleep->disconnected);
        sleep->bus = sd_bus_close_unref(sleep->bus);
        closep(&sleep->lock);
        (void)sleep_set_owner(sleep, NULL);
}

static void sleep_connect_later(Sleep *sleep) {
        if (++sleep->n_connects <= CONNECT_MAX)
                sleep_set_timer(sleep, CONNECT_USEC);
}

/* The connection cannot be taken apart here, inside of it. */
static int on_disconnected(sd_bus_message *signal, void *userdata, sd_bus_error *error) {
        Sleep *sleep = userdata;

        (void)signal;
        (void)error;
        sleep_wake(sleep);
        sleep_connect_later(sleep);
        return 0;
}

/* Given, so that a match that fails does not cost the connection. */
static int on_match(sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        Sleep *sleep = userdata;

        (void)error;
        if (!sd_bus_message_is_method_error(reply, NULL))
                sleep->n_connects = 0;
        return 0;
}

static int sleep_listen(Sleep *sleep) {
        int r;

        r = sd_bus_match_signal_async(sleep->bus, &sleep->signal, LOGIND, LOGIND_PATH,
                                      LOGIND_INTERFACE, "PrepareForSleep", on_signal, on_match,
                                      sleep);
        if (r < 0)
                return r;
        r = sd_bus_add_match_async(sleep->bus, &sleep->owner_changed,
                                   "type='signal',sender='org.freedesktop.DBus',"
                                   "path='/org/freedesktop/DBus',interface='org.freedesktop.DBus',"
                                   "member='NameOwnerChanged',arg0='" LOGIND "'",
                                   on_owner_changed, on_match, sleep);
        if (r < 0)
                return r;
        r = sd_bus_match_signal_async(sleep->bus, &sleep->disconnected,
                                      "org.freedesktop.DBus.Local", "/org/freedesktop/DBus/Local",
                                      "org.freedesktop.DBus.Local", "Disconnected", on_disconnected,
                                      on_match, sleep);
        if (r < 0)
                return r;
        sleep_inhibit(sleep);
        return 0;
}

static int sleep_connect(Sleep *sleep) {
        int r;

        r = sd_bus_open_system_with_description(&sleep->bus, "convened-logind");
        if (r < 0)
                return r;
        r = sd_bus_attach_event(sleep->bus, sleep->event, SD_EVENT_PRIORITY_NORMAL);
        return r < 0 ? r : sleep_listen(sleep);
}

static void sleep_reconnect(Sleep *sleep) {
        sleep_disconnect(sleep);
        if (sleep_connect(sleep) >= 0)
                return;
        sleep_disconnect(sleep);
        sleep_connect_later(sleep);
}

static int on_timer(sd_event_source *source, uint64_t at, void *userdata) {
        Sleep *sleep = userdata;

        (void)source;
        (void)at;
        if (sleep->preparing)
                sleep_ready(sleep);
        else
                sleep_reconnect(sleep);
        return 0;
}

int sleep_new(Sleep **ret, sd_event *event, const SleepHooks *hooks) {
        CLEANUP(sleep_freep) Sleep *sleep = calloc(1, sizeof(*sleep));
        int r;

        if (!sleep)
                return -ENOMEM;
        sleep->lock = -1;
        sleep->hooks = *hooks;
        sleep->event = sd_event_ref(event);
        r = sd_event_add_time_relative(event, &sleep->timer, CLOCK_MONOTONIC, 0, USEC_PER_MSEC,
                                       on_timer, sleep);
        if (r < 0)
                return r;
        r = sd_event_source_set_enabled(sleep->timer, SD_EVENT_OFF);
        if (r < 0)
                return r;
        if (sleep_connect(sleep) < 0) {
                journal_log(LOG_DEBUG, NULL, "No system bus, so nobody will tell of sleep.");
                sleep_disconnect(sleep);
        }

        *ret = TAKE(sleep);
        return 0;
}

Sleep *sleep_free(Sleep *sleep) {
        if (!sleep)
                return NULL;
        sleep_disconnect(sleep);
        sd_event_source_disable_unref(sleep->timer);
        sd_event_unref(sleep->event);
        free(sleep);
        return NULL;
}

bool sleep_is_waiting(const Sleep *sleep) {
        return sleep->preparing && !sleep->ready;
}

void sleep_ready(Sleep *sleep) {
        sleep->ready = true;
        closep(&sleep->lock);
        (void)sd_event_source_set_enabled(sleep->timer, SD_EVENT_OFF);
}

void sleep_woke(Sleep *sleep) {
        if (!sleep->preparing)
                return;
        sleep->preparing = sleep->ready = false;
        (void)sd_event_source_set_enabled(sleep->timer, SD_EVENT_OFF);
}
