/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* adopt-session and adopt-participant: what exists at the API comes into the registry. */

#include <errno.h>
#include <stdio.h>

#include "ctl/memory.h"
#include "ctl/object.h"
#include "ctl/verbs.h"
#include "ctl/width.h"
#include "proto/names.h"

/* The call, and the object that its reply names. */
static Exit adopt_call(Ctl *ctl, Kind kind, Object *ret) {
        static const char *const members[_KIND_MAX] = {
                [KIND_SESSION] = "AdoptSession",
                [KIND_PARTICIPANT] = "AdoptParticipant",
        };
        CLEANUP(message_unrefp) sd_bus_message *call = NULL, *reply = NULL;
        CLEANUP(freep)
        char *doing = format("cannot adopt %s %s", kind_names[kind].noun, ctl->words[0]);
        const char *path;
        Exit code;

        call = ctl_message(ctl, CONVENED_PATH, CONVENED_MANAGER, members[kind]);
        must_bus(sd_bus_message_append(call, "s", ctl->words[0]));
        dict_open(call);
        if (ctl->options.lifetime)
                dict_text(call, "Lifetime", ctl->options.lifetime);
        dict_close(call);

        code = ctl_call(ctl, call, doing, &reply);
        if (code != EXIT_DONE)
                return code;
        if (sd_bus_message_read(reply, "o", &path) < 0 || !object_from_path(path, ret) ||
            ret->kind != kind)
                return ctl_not_understood(ctl, -EBADMSG);
        return EXIT_DONE;
}

static Exit adopt(Ctl *ctl, Kind kind) {
        CLEANUP(json_freep) json_object *facts = NULL;
        CLEANUP(freep) char *label = NULL, *printable = NULL;
        Object object;
        Exit code = adopt_call(ctl, kind, &object);

        if (code == EXIT_DONE)
                code = object_facts(ctl, &object, &facts);
        if (code != EXIT_DONE)
                return code;

        if (ctl->options.json != JSON_OFF) {
                value_print(&ctl->options, facts);
                return EXIT_DONE;
        }
        label = object_label(&object, facts_text(facts, "Tag"));
        printable = width_printable(label);
        printf("Adopted %s, API id %s.\n", printable, facts_text(facts, "Id"));
        return EXIT_DONE;
}

Exit verb_adopt_session(Ctl *ctl) {
        return adopt(ctl, KIND_SESSION);
}

Exit verb_adopt_participant(Ctl *ctl) {
        return adopt(ctl, KIND_PARTICIPANT);
}
