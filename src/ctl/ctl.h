/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* One run of convenectl: what was asked, where people read, and the service. */

#include "ctl/failure.h"
#include "ctl/options.h"
#include "ctl/screen.h"
#include "ctl/value.h"

typedef struct Ctl {
        Options options;
        Screen screen;
        sd_bus *bus;
        bool no_start; /* no call starts the service */
        char **words;  /* behind the verb; NULL ends them */
        size_t n_words;
} Ctl;

/* Opens the bus that the options name. */
Exit ctl_connect(Ctl *ctl);

/* A call of the service, to be filled; never NULL. */
sd_bus_message *ctl_message(Ctl *ctl, const char *path, const char *interface, const char *member);

/**
 * ctl_call() - send a call and wait for its reply
 * @doing: what is tried, in front of the text of a failure; may be NULL
 * @ret:   the reply, the caller's; NULL: not wanted
 */
Exit ctl_call(Ctl *ctl, sd_bus_message *call, const char *doing, sd_bus_message **ret);

/* The like, in silence: 0, or the negative errno with @error set. */
int ctl_try(Ctl *ctl, sd_bus_message *call, sd_bus_error *error, sd_bus_message **ret);

/* All properties of one interface of an object, as facts; in silence, as ctl_try(). */
int ctl_try_facts(Ctl *ctl, const char *path, const char *interface, sd_bus_error *error,
                  json_object **ret);

/* What the service says when it cannot be understood: a bug there or here. Returns EXIT_FAILED. */
Exit ctl_not_understood(Ctl *ctl, int r);

/* Filling an a{sv}: opened and closed around entries of one value each. */
void dict_open(sd_bus_message *m);
void dict_close(sd_bus_message *m);
void dict_text(sd_bus_message *m, const char *key, const char *value);
void dict_path(sd_bus_message *m, const char *key, const char *value);
void dict_flag(sd_bus_message *m, const char *key, bool value);
void dict_texts(sd_bus_message *m, const char *key, const char *const *values);

static inline sd_bus *bus_free(sd_bus *bus) {
        return sd_bus_flush_close_unref(bus);
}

DEFINE_CLEANUP(sd_bus, bus_free);
