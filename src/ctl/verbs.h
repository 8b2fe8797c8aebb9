/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The verbs, one file for each family. Each finds its words in the Ctl, counted already. */

#include "ctl/ctl.h"

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
