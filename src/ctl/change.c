/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* add, remove, subscribe and delete: changes to what is there. */

#include <stdio.h>

#include "ctl/job.h"
#include "ctl/memory.h"
#include "ctl/subscription.h"
#include "ctl/verbs.h"
#include "proto/names.h"

/* The options of a method that changes something, with --no-wait in them; still open. */
static void options_open(Ctl *ctl, sd_bus_message *m) {
        dict_open(m);
        if (ctl->options.no_wait)
                dict_flag(m, "Wait", false);
}

/* The facts after a change, for --json; those it was judged by where no newer ones can be had. */
static void print_facts(Ctl *ctl, const Job *job) {
        CLEANUP(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        CLEANUP(json_freep) json_object *facts = NULL;

        if (ctl->options.json == JSON_OFF)
                return;
        if (ctl_try_facts(ctl, job->object.path, kind_names[job->object.kind].interface, &error,
                          &facts) < 0)
                facts = json_object_get(job->facts);
        value_print(&ctl->options, facts);
}

/* Runs a change of one participant to its end. */
static Exit change_run(Ctl *ctl, Job *job) {
        Exit code = jobs_run(ctl, job, 1);

        if (code == EXIT_DONE)
                print_facts(ctl, job);
        jobs_deinit(job, 1);
        return code;
}

static Exit resolve_pair(Ctl *ctl, Object *session, Object *participant) {
        Exit code = object_resolve(ctl, KIND_SESSION, ctl->words[0], session);

        return code == EXIT_DONE ? object_resolve(ctl, KIND_PARTICIPANT, ctl->words[1], participant)
                                 : code;
}

static Exit subscription_bad(Ctl *ctl, char *why) {
        CLEANUP(freep) char *text = why;

        return failure_say(&ctl->options, EXIT_USAGE, FAILURE_USAGE, "%s", text);
}

Exit verb_add(Ctl *ctl) {
        CLEANUP(subscription_deinit) Subscription subscription = { 0 };
        const char *list = ctl->options.subscribe;
        Job job = { .ctl = ctl };
        Object session;
        char *why = list ? subscription_parse_list(list, &subscription) : NULL;
        Exit code;

        if (why)
                return subscription_bad(ctl, why);
        code = resolve_pair(ctl, &session, &job.object);
        if (code == EXIT_DONE)
                code = subscription_resolve(ctl, &subscription);
        if (code != EXIT_DONE)
                return code;

        job.doing = format("cannot add participant %s to session %s", ctl->words[1], ctl->words[0]);
        job.session = session.path;
        job.call = ctl_message(ctl, session.path, CONVENED_SESSION, "AddParticipant");
        must_bus(sd_bus_message_append(job.call, "o", job.object.path));
        options_open(ctl, job.call);
        if (list)
                subscription_append_options(&subscription, job.call);
        dict_close(job.call);
        return change_run(ctl, &job);
}

Exit verb_remove(Ctl *ctl) {
        Job job = { .ctl = ctl };
        Object session;
        Exit code = resolve_pair(ctl, &session, &job.object);

        if (code != EXIT_DONE)
                return code;

        job.doing = format("cannot remove participant %s from session %s", ctl->words[1],
                           ctl->words[0]);
        job.call = ctl_message(ctl, session.path, CONVENED_SESSION, "RemoveParticipant");
        must_bus(sd_bus_message_append(job.call, "o", job.object.path));
        options_open(ctl, job.call);
        dict_close(job.call);
        return change_run(ctl, &job);
}

Exit verb_subscribe(Ctl *ctl) {
        CLEANUP(subscription_deinit) Subscription subscription = { 0 };
        char *why = subscription_parse(ctl->words + 1, ctl->n_words - 1, &subscription);
        Job job = { .ctl = ctl };
        Exit code;

        if (why)
                return subscription_bad(ctl, why);
        code = object_resolve(ctl, KIND_PARTICIPANT, ctl->words[0], &job.object);
        if (code == EXIT_DONE)
                code = subscription_resolve(ctl, &subscription);
        if (code != EXIT_DONE)
                return code;

        job.doing = format("cannot change what participant %s receives", ctl->words[0]);
        job.call = ctl_message(ctl, job.object.path, CONVENED_PARTICIPANT, "SetSubscriptions");
        must_bus(sd_bus_message_append(job.call, "s", subscription.mode));
        subscription_append_publishers(&subscription, job.call);
        options_open(ctl, job.call);
        dict_close(job.call);
        return change_run(ctl, &job);
}

/* One name after the other; the same object named twice is deleted once. */
static Exit delete_resolve(Ctl *ctl, Kind kind, Job *jobs, size_t *ret_n_jobs) {
        size_t n = 0;

        for (size_t i = 0; i < ctl->n_words; i++) {
                Object object;
                Exit code = object_resolve(ctl, kind, ctl->words[i], &object);
                bool twice = false;

                if (code != EXIT_DONE)
                        return code;
                for (size_t j = 0; j < n; j++)
                        twice |= jobs[j].object.number == object.number;
                if (!twice)
                        jobs[n++] = (Job){ .ctl = ctl, .goal = JOB_GONE, .object = object };
        }
        *ret_n_jobs = n;
        return EXIT_DONE;
}

/* All names are found before the first is deleted: a typing error deletes nothing. */
static Exit delete_all(Ctl *ctl, Kind kind) {
        CLEANUP(freep) Job *jobs = must(calloc(ctl->n_words, sizeof(*jobs)));
        size_t n;
        Exit code = delete_resolve(ctl, kind, jobs, &n);

        if (code != EXIT_DONE)
                return code;

        for (size_t i = 0; i < n; i++) {
                CLEANUP(freep) char *label = object_label(&jobs[i].object, "");

                jobs[i].doing = format("cannot delete %s", label);
                jobs[i].call =
                        ctl_message(ctl, jobs[i].object.path, kind_names[kind].interface, "Delete");
                options_open(ctl, jobs[i].call);
                dict_close(jobs[i].call);
        }
        code = jobs_run(ctl, jobs, n);
        jobs_deinit(jobs, n);
        return code;
}

Exit verb_delete_session(Ctl *ctl) {
        return delete_all(ctl, KIND_SESSION);
}

Exit verb_delete_participant(Ctl *ctl) {
        return delete_all(ctl, KIND_PARTICIPANT);
}
