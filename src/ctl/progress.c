/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/progress.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/text.h"
#include "ctl/describe.h"
#include "ctl/memory.h"
#include "ctl/phrase.h"
#include "ctl/width.h"
#include "proto/names.h"

/* What is over before this is not worth a line. */
#define QUIET_USEC (300 * USEC_PER_MSEC)

usec_t progress_now(void) {
        return clock_read(CLOCK_MONOTONIC);
}

void progress_deinit(Progress *progress) {
        free(progress->api_state);
}

/* Why it takes time, as far as the state of the API explains it. */
static const char *reason_of(const Job *job, const char *api_state) {
        static const struct {
                const char *state, *reason;
        } reasons[] = {
                { "offline", "the API cannot be reached, or fails" },
                { "unauthorized", "the API refuses the credentials" },
                { "throttled", "the API asks us to slow down" },
        };

        for (size_t i = 0; api_state && i < ELEMENTSOF(reasons); i++)
                if (streq(api_state, reasons[i].state))
                        return reasons[i].reason;
        return job->goal == JOB_GONE ? "the API has not confirmed the deletion yet"
                                     : "the API has not confirmed it yet";
}

/* ", 3 attempts failed (Rejected: …), the next in 4s"; "" where there is nothing to tell. */
static char *attempts_of(const Job *job, usec_t now) {
        uint64_t attempts = facts_number(job->facts, "Attempts");
        CLEANUP(freep) char *error = describe_error(job->facts);
        CLEANUP(freep) char *next = describe_next(job->facts, now);

        if (attempts == 0)
                return format("%s%s", next ? ", the next attempt " : "", next ? next : "");

        return format(", %" PRIu64 " %s failed%s%s%s%s%s", attempts,
                      attempts == 1 ? "attempt" : "attempts", error ? " (" : "", error ? error : "",
                      error ? ")" : "", next ? ", the next " : "", next ? next : "");
}

char *progress_text(const Job *job, const char *api_state, size_t n_others, usec_t now) {
        CLEANUP(freep) char *label = NULL, *attempts = attempts_of(job, now), *others = NULL;

        label = job->object.number ? job_label(job)
                                   : format("the new %s", kind_names[job->object.kind].noun);
        others = n_others > 0 ? format(" and %zu more", n_others) : must(strdup(""));
        return format("Waiting for %s%s: %s%s", label, others, reason_of(job, api_state), attempts);
}

/* All of one object's properties, if they come soon. */
static json_object *read_soon(Ctl *ctl, const char *path, const char *interface) {
        CLEANUP(message_unrefp) sd_bus_message *call = NULL, *reply = NULL;
        json_object *facts = NULL;

        call = ctl_message(ctl, path, "org.freedesktop.DBus.Properties", "GetAll");
        must_bus(sd_bus_message_append(call, "s", interface));
        if (sd_bus_call(ctl->bus, call, USEC_PER_SEC, NULL, &reply) < 0)
                return NULL;
        return value_read(reply, &facts) < 0 ? NULL : facts;
}

static void progress_look(Progress *progress, Job *job) {
        CLEANUP(json_freep) json_object *manager = NULL, *facts = NULL;

        manager = read_soon(progress->ctl, CONVENED_PATH, CONVENED_MANAGER);
        if (manager) {
                free(progress->api_state);
                progress->api_state = must(strdup(facts_text(manager, "ApiState")));
        }

        if (job->facts)
                facts = read_soon(progress->ctl, job->object.path,
                                  kind_names[job->object.kind].interface);
        if (facts)
                facts_merge(job->facts, facts);
}

void progress_draw(Progress *progress, Job *job, size_t n_others) {
        CLEANUP(freep) char *text = NULL, *printable = NULL, *line = NULL;
        const Screen *screen = &progress->ctl->screen;

        if (!screen->progress || progress_now() - progress->since < QUIET_USEC)
                return;

        progress_look(progress, job);
        text = progress_text(job, progress->api_state, n_others, describe_now());
        printable = width_printable(text);
        line = width_shorten(printable, screen->error_columns - 1, screen_ellipsis(screen));
        fprintf(stderr, "\r\033[K%s", line);
        fflush(stderr);
        progress->drawn = true;
}

void progress_clear(Progress *progress) {
        if (!progress->drawn)
                return;
        fputs("\r\033[K", stderr);
        fflush(stderr);
        progress->drawn = false;
}
