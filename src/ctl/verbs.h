/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The verbs, one file for each family. Each finds its words in the Ctl, counted already. */

#include "ctl/ctl.h"

typedef struct Verb {
        const char *name;
        size_t n_min, n_max; /* words behind it */
        unsigned takes;      /* Taken */
        const char *words;   /* for people, and for completion: names of what each word is */
        const char *help;    /* NULL: no verb for people */
        Exit (*run)(Ctl *);
} Verb;

/* All of them; a NULL name ends them. */
extern const Verb verbs[];

/* The verb of that name, or NULL. */
const Verb *verb_find(const char *name);

/* What log-level takes; NULL ends them. */
extern const char *const level_names[];

Exit verb_status(Ctl *ctl);

Exit verb_list_sessions(Ctl *ctl);
Exit verb_list_participants(Ctl *ctl);

Exit verb_show_session(Ctl *ctl);
Exit verb_show_participant(Ctl *ctl);

Exit verb_create_session(Ctl *ctl);
Exit verb_create_participant(Ctl *ctl);

Exit verb_adopt_session(Ctl *ctl);
Exit verb_adopt_participant(Ctl *ctl);

Exit verb_add(Ctl *ctl);
Exit verb_remove(Ctl *ctl);
Exit verb_subscribe(Ctl *ctl);
Exit verb_delete_session(Ctl *ctl);
Exit verb_delete_participant(Ctl *ctl);

Exit verb_refresh_session(Ctl *ctl);
Exit verb_refresh_participant(Ctl *ctl);
Exit verb_sync(Ctl *ctl);

Exit verb_token(Ctl *ctl);
Exit verb_monitor(Ctl *ctl);

Exit verb_log_level(Ctl *ctl);

Exit verb_complete(Ctl *ctl);
