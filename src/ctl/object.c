/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/object.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/text.h"
#include "ctl/memory.h"
#include "proto/names.h"

const KindNames kind_names[_KIND_MAX] = {
        [KIND_SESSION] = { "session", CONVENED_SESSION, CONVENED_PATH_SESSION, "ListSessions",
                           CONVENED_ERROR_NO_SUCH_SESSION },
        [KIND_PARTICIPANT] = { "participant", CONVENED_PARTICIPANT, CONVENED_PATH_PARTICIPANT,
                               "ListParticipants", CONVENED_ERROR_NO_SUCH_PARTICIPANT },
};

Object object_make(Kind kind, uint64_t number) {
        Object object = { .kind = kind, .number = number };

        snprintf(object.path, sizeof(object.path), "%s/%" PRIu64, kind_names[kind].path, number);
        return object;
}

bool object_from_path(const char *path, Object *ret) {
        for (Kind kind = 0; kind < _KIND_MAX; kind++) {
                size_t length = strlen(kind_names[kind].path);
                uint64_t number;

                if (strncmp(path, kind_names[kind].path, length) != 0 || path[length] != '/')
                        continue;

                path += length + 1;
                number = strtoull(path, NULL, 10);
                /* strtoull() takes blanks and signs too. */
                if (number == 0 || path[strspn(path, "0123456789")])
                        return false;
                *ret = object_make(kind, number);
                return true;
        }
        return false;
}

char *object_label(const Object *object, const char *tag) {
        if (tag[0])
                return format("%s %" PRIu64 " \"%s\"", kind_names[object->kind].noun,
                              object->number, tag);
        return format("%s %" PRIu64, kind_names[object->kind].noun, object->number);
}

Exit object_facts(Ctl *ctl, const Object *object, json_object **ret) {
        CLEANUP(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        const KindNames *names = &kind_names[object->kind];
        int r = ctl_try_facts(ctl, object->path, names->interface, &error, ret);

        if (r >= 0)
                return EXIT_DONE;
        if (sd_bus_error_has_name(&error, SD_BUS_ERROR_UNKNOWN_OBJECT) ||
            sd_bus_error_has_name(&error, SD_BUS_ERROR_UNKNOWN_INTERFACE))
                return failure_say(&ctl->options, EXIT_NOT_FOUND, names->error,
                                   "there is no %s %" PRIu64, names->noun, object->number);
        if (!error.name)
                return ctl_not_understood(ctl, r);
        return failure_say_bus(&ctl->options, &error, r, NULL);
}
