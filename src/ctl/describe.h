/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Facts in words: what tables, show and monitor say about an object. Results are fresh memory. */

#include "ctl/object.h"

/* When the next attempt is: "in 4s", "now" where it is due; NULL where it is under way, or there is
 * none. */
char *describe_next(const json_object *facts, usec_t now);

/* When what is still to be made was accepted, "5min ago"; NULL where it is made. */
char *describe_accepted(const json_object *facts, usec_t now);

/* "yes"; or why not: "no, 3 failed, next in 4s". */
char *describe_sync(const json_object *facts, usec_t now);

/* The like for a table: "no, in 4s", so that what people wait for is not cut off. */
char *describe_sync_briefly(const json_object *facts, usec_t now);

/* What a participant receives: "none", "session", "2:cam, 3". */
char *describe_subscription(const json_object *facts);

/* The publishers alone, whatever the mode. */
char *describe_publishers(const json_object *facts);

/* "audio, video", or "none". */
char *describe_publishing(const json_object *facts);

/* The number in a path, for people; "-" for "/". */
char *describe_path(const char *path);

/* A uid as a user's name where it has one; with --redact as it is. */
char *describe_owner(const Options *options, uint64_t uid);

/* "Rejected: the text"; NULL for no error. */
char *describe_error(const json_object *facts);

/* What changed properties mean to people, with commas between; "" where it is no news to them. */
char *describe_news(const json_object *facts);

/* What stands for a value that is not there. */
const char *describe_or_dash(const char *text);

Colour describe_state_colour(const char *state);

/* CLOCK_REALTIME, now. */
usec_t describe_now(void);
