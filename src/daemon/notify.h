/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What the service manager is told: the protocol of sd_notify(3), which never waits here.
 * sd_notify() itself blocks while the manager does not read (ten datagrams are taken on its behalf
 * by default, see net.unix.max_dgram_qlen in unix(7)), and so does the watchdog of sd-event: every
 * caller on the bus would wait with it.
 */

#include <stdbool.h>
#include <systemd/sd-event.h>

#include "base/cleanup.h"
#include "base/time.h"

typedef struct Notify Notify;

/* Whether nothing that the loop waits for has been under way for longer than @patience. */
typedef bool (*NotifyProgress)(usec_t patience, void *userdata);

/**
 * notify_new() - connect to $NOTIFY_SOCKET, and feed the watchdog if the manager wants that
 * @progress: asked before each feeding, which is left out where the answer is no
 *
 * What has stood still for longer than a second is not vouched for, so that the manager acts at the
 * latest its WatchdogSec= and a second after the standstill began.
 *
 * Where there is no such socket, or nobody answers there, nobody is told.
 *
 * Return: 0, or a negative errno.
 */
int notify_new(Notify **ret, sd_event *event, NotifyProgress progress, void *userdata);
Notify *notify_free(Notify *notify);

/**
 * notify_tell() - send these lines, in the order of the calls
 *
 * What cannot be sent now is sent as soon as the manager reads again. Of the lines of one STATUS=
 * that wait for that, the last is kept; if there is no memory for them, or too much waits already,
 * the oldest are dropped.
 */
__attribute__((format(printf, 2, 3))) void notify_tell(Notify *notify, const char *format, ...);

/* For who ends before there is a Notify: says, if that can be done at once, why in STATUS=, which
 * "systemctl status" goes on showing. */
void notify_end(const char *reason);

DEFINE_CLEANUP(Notify, notify_free);
