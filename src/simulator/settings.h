/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the command line decides, and what both the rules and the server read. */

#include <stdbool.h>
#include <stdint.h>

#include "base/time.h"

typedef enum Generation { GENERATION_2022, GENERATION_2020 } Generation;

typedef struct Settings {
        const char *listen;      /* address and port, as given */
        const char *account;     /* the one account that exists here */
        const char *credentials; /* user:password; only the first colon separates */
        const char *tls_cert, *tls_key, *state, *faults; /* files; NULL for none */
        Generation generation;
        usec_t session_lifetime_usec, participant_lifetime_usec;
        bool has_seed;
        uint64_t seed;
        double requests_per_sec; /* 0: no limit */
        bool verbose;

        /* The other readings of a documentation that contradicts itself. */
        bool member_ids;            /* participant_ids in a session */
        bool empty_as_204;          /* an empty list, and no subscriptions */
        bool any_session_id;        /* a sessionId that is not the path's is taken as the path's */
        bool no_callback_echo;      /* callbackUrl is always null */
        bool invent_tags;           /* a participant without a tag gets one */
        bool lenient_subscriptions; /* of one who is no member: stored, does not join */
        bool shuffle;               /* permissions and members in any order */
} Settings;
