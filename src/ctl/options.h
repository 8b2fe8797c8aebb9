/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What stands on the command line before and between the words. */

#include <stdbool.h>
#include <stddef.h>

#include "base/time.h"

typedef enum JsonMode { JSON_OFF, JSON_SHORT, JSON_PRETTY } JsonMode;

/* Options that only some verbs take; each verb names its own. */
typedef enum Taken {
        TAKES_LIFETIME = 1 << 0,
        TAKES_AT_MOST_ONCE = 1 << 1,
        TAKES_PUBLISH = 1 << 2,
        TAKES_CALLBACK_URL = 1 << 3,
        TAKES_SESSION = 1 << 4,
        TAKES_SUBSCRIBE = 1 << 5,
        TAKES_WAITING = 1 << 6, /* --no-wait and --timeout= */
        TAKES_REDACT = 1 << 7,
} Taken;

typedef struct Options {
        bool user;        /* the session bus; else the system bus */
        bool user_said;   /* by --user, not by default */
        const char *host; /* whose system bus, over ssh; NULL: here */
        JsonMode json;
        bool no_legend;
        bool redact; /* no names in the output that strangers should not see */
        bool no_pager;
        bool full; /* no cell is shortened */
        bool no_wait;
        bool help, version;  /* asked for; nothing else is done */
        usec_t timeout_usec; /* USEC_NEVER: none */
        bool at_most_once;
        const char *lifetime, *publish, *callback_url, *session, *subscribe; /* NULL: not given */
        unsigned given; /* Taken of those that stood there */
} Options;

/**
 * options_read() - read the options, wherever they stand
 * @argc:  of main()
 * @argv:  likewise; its words are moved behind its options
 * @ret:   the options; what was read so far also on failure, so that the error can be said as asked
 *
 * Return: the index of the first word; negative for a usage error, *ret_why saying which.
 */
int options_read(int argc, char **argv, Options *ret, char **ret_why);

/* What people call the bus that is meant: "user bus", or "system bus of HOST". Fresh memory. */
char *options_bus(const Options *options);

/* A number of seconds, with a fraction where wanted; false: it is not one. */
bool options_seconds(const char *text, usec_t *ret);

/*
 * The long options one by one, for completion: "--full", "--json="; NULL behind the last. Fresh
 * memory. *ret_taken: the Taken that it is, 0: every verb takes it.
 */
char *options_word(size_t i, unsigned *ret_taken);

/* Whether the word behind this one is its value, as behind "--session". */
bool options_wants_value(const char *word);

/* The name of one option of those in @taken, for an error text. */
const char *options_name(unsigned taken);
