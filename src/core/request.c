/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/request.h"

#include <errno.h>

const char *operation_name(Operation operation) {
        static const char *const names[] = {
                [OPERATION_CREATE_PARTICIPANT] = "createParticipant",
                [OPERATION_GET_PARTICIPANT] = "getParticipant",
                [OPERATION_DELETE_PARTICIPANT] = "deleteParticipant",
                [OPERATION_CREATE_SESSION] = "createSession",
                [OPERATION_GET_SESSION] = "getSession",
                [OPERATION_DELETE_SESSION] = "deleteSession",
                [OPERATION_LIST_PARTICIPANTS] = "listSessionParticipants",
                [OPERATION_ADD_PARTICIPANT] = "addParticipantToSession",
                [OPERATION_REMOVE_PARTICIPANT] = "removeParticipantFromSession",
                [OPERATION_GET_SUBSCRIPTIONS] = "getParticipantSubscriptions",
                [OPERATION_UPDATE_SUBSCRIPTIONS] = "updateParticipantSubscriptions",
        };

        return names[operation];
}

static void publisher_deinit(Publisher *publisher) {
        for (size_t i = 0; i < publisher->n_aliases; i++)
                free(publisher->aliases[i]);
        free(publisher->aliases);
        *publisher = (Publisher){ 0 };
}

Publisher *publishers_free(Publisher *publishers, size_t n_publishers) {
        for (size_t i = 0; publishers && i < n_publishers; i++)
                publisher_deinit(publishers + i);
        free(publishers);
        return NULL;
}

int publisher_copy(Publisher *to, const Publisher *from) {
        Publisher copy = { .number = from->number, .id = from->id };

        if (from->n_aliases > 0) {
                copy.aliases = calloc(from->n_aliases, sizeof(char *));
                if (!copy.aliases)
                        return -ENOMEM;
        }
        for (; copy.n_aliases < from->n_aliases; copy.n_aliases++) {
                char *alias = strdup(from->aliases[copy.n_aliases]);

                if (!alias) {
                        publisher_deinit(&copy);
                        return -ENOMEM;
                }
                copy.aliases[copy.n_aliases] = alias;
        }

        *to = copy;
        return 0;
}

void request_deinit(Request *request) {
        spec_unref(request->spec);
        publishers_free(request->publishers, request->n_publishers);
        *request = (Request){ 0 };
}
