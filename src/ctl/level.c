/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* log-level: how much the service tells its log, read or set. */

#include <stdio.h>

#include "base/text.h"
#include "ctl/memory.h"
#include "ctl/verbs.h"
#include "proto/names.h"

/* org.freedesktop.LogControl1(5) */
#define LEVEL_PATH      "/org/freedesktop/LogControl1"
#define LEVEL_INTERFACE "org.freedesktop.LogControl1"

/* syslog(3)'s, as systemd spells them. */
const char *const level_names[] = { "emerg",  "alert", "crit",  "err", "warning",
                                    "notice", "info",  "debug", NULL };

static bool level_known(const char *word) {
        for (size_t i = 0; level_names[i]; i++)
                if (streq(level_names[i], word))
                        return true;
        return false;
}

static sd_bus_message *level_message(Ctl *ctl, const char *member) {
        sd_bus_message *m = ctl_message(ctl, LEVEL_PATH, "org.freedesktop.DBus.Properties", member);

        must_bus(sd_bus_message_append(m, "ss", LEVEL_INTERFACE, "LogLevel"));
        return m;
}

static Exit level_set(Ctl *ctl, const char *level) {
        CLEANUP(message_unrefp) sd_bus_message *call = NULL;

        if (!level_known(level))
                return failure_say(&ctl->options, EXIT_USAGE, FAILURE_USAGE,
                                   "\"%s\" is no log level; say emerg, alert, crit, err, warning, "
                                   "notice, info or debug",
                                   level);
        call = level_message(ctl, "Set");
        must_bus(sd_bus_message_append(call, "v", "s", level));
        return ctl_call(ctl, call, "cannot set the log level", NULL);
}

static void level_print(const Options *options, const char *level) {
        CLEANUP(json_freep) json_object *object = NULL;

        if (options->json == JSON_OFF) {
                puts(level);
                return;
        }
        object = must(json_object_new_object());
        json_object_object_add(object, "LogLevel", must(json_object_new_string(level)));
        value_print(options, object);
}

Exit verb_log_level(Ctl *ctl) {
        CLEANUP(message_unrefp) sd_bus_message *call = NULL, *reply = NULL;
        const char *level;
        Exit code;
        int r;

        if (ctl->n_words > 0)
                return level_set(ctl, ctl->words[0]);

        call = level_message(ctl, "Get");
        code = ctl_call(ctl, call, "cannot get the log level", &reply);
        if (code != EXIT_DONE)
                return code;
        r = sd_bus_message_read(reply, "v", "s", &level);
        if (r < 0)
                return ctl_not_understood(ctl, r);
        level_print(&ctl->options, level);
        return EXIT_DONE;
}
