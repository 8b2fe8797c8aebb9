/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/verbs.h"

#include <stdint.h>

#include "base/cleanup.h"
#include "base/text.h"

#define MANY SIZE_MAX

const Verb verbs[] = {
        { "status", 0, 0, TAKES_REDACT, "", "What a person wants to know, and what is wrong",
          verb_status },
        { "list-sessions", 0, 1, TAKES_REDACT, "[TAG]", "List sessions", verb_list_sessions },
        { "list-participants", 0, 1, TAKES_SESSION | TAKES_REDACT, "[TAG]", "List participants",
          verb_list_participants },
        { "show-session", 1, MANY, TAKES_REDACT, "SESSION...", "Show all about sessions",
          verb_show_session },
        { "show-participant", 1, MANY, TAKES_REDACT, "PARTICIPANT...",
          "Show all about participants", verb_show_participant },
        { "create-session", 0, 1, TAKES_WAITING | TAKES_LIFETIME | TAKES_AT_MOST_ONCE, "[TAG]",
          "Create a session", verb_create_session },
        { "create-participant", 0, 1,
          TAKES_WAITING | TAKES_LIFETIME | TAKES_AT_MOST_ONCE | TAKES_PUBLISH | TAKES_CALLBACK_URL |
                  TAKES_SESSION | TAKES_SUBSCRIBE,
          "[TAG]", "Create a participant", verb_create_participant },
        { "add", 2, 2, TAKES_WAITING | TAKES_SUBSCRIBE, "SESSION PARTICIPANT",
          "Add a participant to a session", verb_add },
        { "remove", 2, 2, TAKES_WAITING, "SESSION PARTICIPANT",
          "Remove a participant from a session", verb_remove },
        { "subscribe", 2, MANY, TAKES_WAITING, "PARTICIPANT WHAT...",
          "Say what a participant receives", verb_subscribe },
        { "token", 1, 1, 0, "PARTICIPANT", "Print the token a device joins with", verb_token },
        { "delete-session", 1, MANY, TAKES_WAITING, "SESSION...", "Delete sessions",
          verb_delete_session },
        { "delete-participant", 1, MANY, TAKES_WAITING, "PARTICIPANT...", "Delete participants",
          verb_delete_participant },
        { "adopt-session", 1, 1, TAKES_LIFETIME, "ID",
          "Manage a session that exists at the API, with its participants", verb_adopt_session },
        { "adopt-participant", 1, 1, TAKES_LIFETIME, "ID",
          "Manage a participant that exists at the API", verb_adopt_participant },
        { "refresh-session", 1, 1, 0, "SESSION", "Ask the API about a session now",
          verb_refresh_session },
        { "refresh-participant", 1, 1, 0, "PARTICIPANT", "Ask the API about a participant now",
          verb_refresh_participant },
        { "sync", 0, 0, 0, "", "Verify everything against the API soon", verb_sync },
        { "monitor", 0, 1, TAKES_REDACT, "[SESSION|PARTICIPANT]", "Print changes as they happen",
          verb_monitor },
        { "log-level", 0, 1, 0, "[LEVEL]", "Print or set how much the service logs",
          verb_log_level },
        /* For the shells: words as typed so far, the last one to be completed. */
        { "complete", 1, MANY, 0, "WORD...", NULL, verb_complete },
        {},
};

const Verb *verb_find(const char *name) {
        for (const Verb *verb = verbs; verb->name; verb++)
                if (streq(verb->name, name))
                        return verb;
        return NULL;
}
