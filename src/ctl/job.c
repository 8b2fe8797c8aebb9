/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/job.h"

#include <assert.h>
#include <errno.h>

#include "base/text.h"
#include "ctl/agent.h"
#include "ctl/describe.h"
#include "ctl/memory.h"
#include "proto/names.h"

void jobs_deinit(Job *jobs, size_t n_jobs) {
        for (size_t i = 0; jobs && i < n_jobs; i++) {
                Job *job = &jobs[i];

                sd_bus_slot_unref(job->reply_slot);
                sd_bus_slot_unref(job->changed_slot);
                sd_bus_slot_unref(job->removed_slot);
                sd_bus_message_unref(job->call);
                json_object_put(job->facts);
                free(job->doing);
        }
}

char *job_label(const Job *job) {
        return object_label(&job->object, facts_text(job->facts, "Tag"));
}

Verdict job_judge(const Job *job) {
        const char *state = facts_text(job->facts, "State");
        bool in_sync = facts_flag(job->facts, "InSync");

        if (!job->replied)
                return VERDICT_WAIT;
        if (job->gone)
                return job->goal == JOB_GONE ? VERDICT_DONE : VERDICT_GONE;
        if (job->goal == JOB_GONE)
                return job->refused && !streq(state, "deleting") ? VERDICT_REFUSED : VERDICT_WAIT;
        if (streq(state, "failed"))
                return VERDICT_REFUSED;
        if (!in_sync)
                return VERDICT_WAIT;
        if (job->refused)
                return VERDICT_REFUSED;
        if (job->session && !streq(facts_text(job->facts, "Session"), job->session))
                return VERDICT_OVERTAKEN;
        return VERDICT_DONE;
}

void job_end(Job *job, Exit code) {
        job->ended = true;
        job->code = code;
        /* A bus allows so many matches and no more: back as soon as they are not needed. */
        job->reply_slot = sd_bus_slot_unref(job->reply_slot);
        job->changed_slot = sd_bus_slot_unref(job->changed_slot);
        job->removed_slot = sd_bus_slot_unref(job->removed_slot);
}

static bool facts_have_error(json_object *facts) {
        return facts_text_at(facts, "LastError", 0)[0] != '\0';
}

static int on_changed(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        CLEANUP(json_freep) json_object *changes = NULL;
        Job *job = userdata;
        const char *interface;

        (void)error;
        if (sd_bus_message_read(m, "s", &interface) < 0 ||
            !streq(interface, kind_names[job->object.kind].interface) ||
            value_read(m, &changes) < 0)
                return 0;

        if (json_object_object_get_ex(changes, "LastError", NULL))
                job->refused = facts_have_error(changes);
        if (job->facts)
                facts_merge(job->facts, changes);
        return 0;
}

static int on_removed(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        Job *job = userdata;

        (void)m;
        (void)error;
        job->gone = true;
        return 0;
}

static Exit job_watch(Job *job) {
        CLEANUP(freep) char *changed = NULL, *removed = NULL;
        sd_bus *bus = job->ctl->bus;
        int r;

        changed = format("type='signal',sender='" CONVENED_BUS_NAME "',path='%s',"
                         "interface='org.freedesktop.DBus.Properties',member='PropertiesChanged'",
                         job->object.path);
        removed = format("type='signal',sender='" CONVENED_BUS_NAME "',path='" CONVENED_PATH "',"
                         "interface='org.freedesktop.DBus.ObjectManager',"
                         "member='InterfacesRemoved',arg0path='%s'",
                         job->object.path);

        r = sd_bus_add_match(bus, &job->changed_slot, changed, on_changed, job);
        if (r >= 0)
                r = sd_bus_add_match(bus, &job->removed_slot, removed, on_removed, job);
        return r < 0 ? failure_say_bus(&job->ctl->options, NULL, r, job->doing) : EXIT_DONE;
}

static int on_reply(sd_bus_message *m, void *userdata, sd_bus_error *error);

/* Whether it is tried once more, with a password. */
static bool job_ask(Job *job, const sd_bus_error *refusal) {
        sd_bus_message *again = agent_repeat(job->ctl, job->call, refusal);

        if (!again)
                return false;
        sd_bus_message_unref(job->call);
        job->call = again;
        job->asked = true;
        job->reply_slot = sd_bus_slot_unref(job->reply_slot);
        return sd_bus_call_async(job->ctl->bus, &job->reply_slot, job->call, on_reply, job,
                                 AGENT_PATIENCE_USEC) >= 0;
}

static int on_reply(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        const sd_bus_error *refusal = sd_bus_message_get_error(m);
        Job *job = userdata;
        const char *path;

        (void)error;
        if (refusal && job_ask(job, refusal))
                return 0;
        if (refusal) {
                job_end(job, failure_say_bus(&job->ctl->options, refusal,
                                             -sd_bus_error_get_errno(refusal), job->doing));
                return 0;
        }
        if (job->object.number == 0 &&
            (sd_bus_message_read(m, "o", &path) < 0 || !object_from_path(path, &job->object))) {
                job_end(job, ctl_not_understood(job->ctl, -EBADMSG));
                return 0;
        }
        job->replied = true;
        return 0;
}

void job_start(Job *job) {
        Exit code = EXIT_DONE;
        int r;

        job->started = true;
        if (job->object.number != 0) {
                code = job_watch(job);
                if (code == EXIT_DONE)
                        code = object_facts(job->ctl, &job->object, &job->facts);
        }
        if (code == EXIT_DONE) {
                r = sd_bus_call_async(job->ctl->bus, &job->reply_slot, job->call, on_reply, job, 0);
                if (r < 0)
                        code = failure_say_bus(&job->ctl->options, NULL, r, job->doing);
        }
        if (code != EXIT_DONE)
                job_end(job, code);
}

/* The object has just got its name: from here on it is watched, then read. */
static Exit job_meet(Job *job) {
        CLEANUP(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        Exit code = job_watch(job);
        int r;

        if (code != EXIT_DONE)
                return code;

        r = ctl_try_facts(job->ctl, job->object.path, kind_names[job->object.kind].interface,
                          &error, &job->facts);
        if (r >= 0) {
                job->refused = facts_have_error(job->facts);
                return EXIT_DONE;
        }
        code = failure_exit(error.name ? error.name : "");
        if (code == EXIT_UNREACHABLE) {
                CLEANUP(freep) char *label = job_label(job);

                return failure_say(&job->ctl->options, code, SD_BUS_ERROR_DISCONNECTED, "%s: %s",
                                   label, LEFT_THE_BUS);
        }
        if (code != EXIT_NOT_FOUND)
                return failure_say_bus(&job->ctl->options, &error, r, job->doing);

        job->facts = must(json_object_new_object());
        job->gone = true;
        return EXIT_DONE;
}

static Exit say_refused(const Job *job) {
        const Options *options = &job->ctl->options;
        const char *name = facts_text_at(job->facts, "LastError", 0);
        const char *text = facts_text_at(job->facts, "LastError", 1);

        if (!name[0])
                name = SD_BUS_ERROR_FAILED;
        if (options->json != JSON_OFF)
                return failure_say(options, failure_exit(name), name, "%s", text);
        return failure_say(options, failure_exit(name), name, "%s: %s", job->doing,
                           text[0] ? text : name);
}

static Exit job_say(const Job *job, Verdict verdict) {
        const Options *options = &job->ctl->options;
        CLEANUP(freep) char *label = job_label(job), *where = NULL;

        switch (verdict) {
        case VERDICT_WAIT:
        case VERDICT_DONE:
                return EXIT_DONE;
        case VERDICT_REFUSED:
                return say_refused(job);
        case VERDICT_GONE:
                return failure_say(options, EXIT_FAILED, FAILURE_GONE,
                                   "%s is gone: it was deleted, or the API knows it no more",
                                   label);
        case VERDICT_OVERTAKEN:
                where = describe_path(facts_text(job->facts, "Session"));
                return failure_say(
                        options, EXIT_FAILED, FAILURE_OVERTAKEN,
                        "%s is in sync, but in %s%s: a later change took the place of this one",
                        label, where[0] == '-' ? "no session" : "session ",
                        where[0] == '-' ? "" : where);
        case _VERDICT_MAX:
                break;
        }
        assert(false);
        return EXIT_FAILED;
}

bool job_step(Job *job) {
        Verdict verdict;
        Exit code;

        if (job->ended || !job->replied)
                return false;

        if (!job->facts) {
                code = job_meet(job);
                if (code != EXIT_DONE)
                        job_end(job, code);
                return !job->ended;
        }
        if (job->ctl->options.no_wait) {
                job_end(job, EXIT_DONE);
                return false;
        }

        verdict = job_judge(job);
        if (verdict != VERDICT_WAIT)
                job_end(job, job_say(job, verdict));
        return false;
}
