/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* token, refresh-* and sync: questions that are one call each. */

#include <stdio.h>

#include "ctl/memory.h"
#include "ctl/object.h"
#include "ctl/verbs.h"
#include "proto/names.h"

/* Calls a method of the object that the only word names; says @doing where it fails. */
static Exit ask(Ctl *ctl, Kind kind, const char *member, const char *doing, sd_bus_message **ret) {
        CLEANUP(message_unrefp) sd_bus_message *call = NULL;
        CLEANUP(freep) char *text = NULL, *label = NULL;
        Object object;
        Exit code = object_resolve(ctl, kind, ctl->words[0], &object);

        if (code != EXIT_DONE)
                return code;

        label = object_label(&object, "");
        text = format("%s %s", doing, label);
        call = ctl_message(ctl, object.path, kind_names[kind].interface, member);
        return ctl_call(ctl, call, text, ret);
}

/* On a line of its own, so that $(convenectl token …) is the token. */
static void print_token(const Options *options, const char *token) {
        json_object *object;

        if (options->json == JSON_OFF) {
                puts(token);
                return;
        }
        object = must(json_object_new_object());
        json_object_object_add(object, "Token", must(json_object_new_string(token)));
        value_print(options, object);
        json_object_put(object);
}

Exit verb_token(Ctl *ctl) {
        CLEANUP(message_unrefp) sd_bus_message *reply = NULL;
        const char *token;
        Exit code = ask(ctl, KIND_PARTICIPANT, "GetToken", "cannot get the token of", &reply);
        int r;

        if (code != EXIT_DONE)
                return code;
        r = sd_bus_message_read(reply, "s", &token);
        if (r < 0)
                return ctl_not_understood(ctl, r);
        print_token(&ctl->options, token);
        return EXIT_DONE;
}

Exit verb_refresh_session(Ctl *ctl) {
        return ask(ctl, KIND_SESSION, "Refresh", "cannot refresh", NULL);
}

Exit verb_refresh_participant(Ctl *ctl) {
        return ask(ctl, KIND_PARTICIPANT, "Refresh", "cannot refresh", NULL);
}

Exit verb_sync(Ctl *ctl) {
        CLEANUP(message_unrefp)
        sd_bus_message *call = ctl_message(ctl, CONVENED_PATH, CONVENED_MANAGER, "Sync");

        return ctl_call(ctl, call, NULL, NULL);
}
