/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* create-session and create-participant. */

#include <inttypes.h>
#include <stdio.h>

#include "base/text.h"
#include "ctl/job.h"
#include "ctl/memory.h"
#include "ctl/publish.h"
#include "ctl/subscription.h"
#include "ctl/verbs.h"
#include "ctl/width.h"
#include "proto/names.h"

/* A creating call, its dictionary still open. */
static sd_bus_message *create_begin(Ctl *ctl, const char *member) {
        sd_bus_message *m = ctl_message(ctl, CONVENED_PATH, CONVENED_MANAGER, member);

        dict_open(m);
        if (ctl->n_words > 0)
                dict_text(m, "Tag", ctl->words[0]);
        if (ctl->options.lifetime)
                dict_text(m, "Lifetime", ctl->options.lifetime);
        if (ctl->options.at_most_once)
                dict_flag(m, "AtMostOnce", true);
        if (ctl->options.no_wait)
                dict_flag(m, "Wait", false);
        return m;
}

static void say_created(const Ctl *ctl, const Job *job) {
        CLEANUP(freep) char *label = job_label(job), *printable = width_printable(label);
        const char *id = facts_text(job->facts, "Id");

        if (ctl->options.json != JSON_OFF)
                value_print(&ctl->options, job->facts);
        else if (id[0])
                printf("Created %s, API id %s.\n", printable, id);
        else
                printf("Accepted %s; the API has not confirmed it yet.\n", printable);
}

static Exit create_end(Ctl *ctl, Job *job) {
        Exit code;

        dict_close(job->call);
        job->doing = format("cannot create the %s", kind_names[job->object.kind].noun);
        code = jobs_run(ctl, job, 1);
        /* Accepted and not in sync: it is there, and whoever asked for it needs its name. */
        if (code == EXIT_DONE || (code == EXIT_NOT_IN_SYNC && job->facts))
                say_created(ctl, job);
        jobs_deinit(job, 1);
        return code;
}

Exit verb_create_session(Ctl *ctl) {
        Job job = { .ctl = ctl, .object.kind = KIND_SESSION };

        job.call = create_begin(ctl, "CreateSession");
        return create_end(ctl, &job);
}

/* What the options say about a new participant, found and checked. */
typedef struct Wish {
        const char *permissions[PUBLISH_MAX + 1];
        Subscription subscription;
        Object session; /* number 0: none */
} Wish;

static void wish_deinit(Wish *wish) {
        subscription_deinit(&wish->subscription);
}

static Exit wish_read(Ctl *ctl, Wish *wish) {
        const Options *options = &ctl->options;
        CLEANUP(freep) char *why = NULL;
        Exit code = EXIT_DONE;

        if (options->publish)
                why = publish_parse(options->publish, wish->permissions);
        if (!why && options->subscribe && !options->session)
                why = format("--subscribe= needs --session=");
        if (!why && options->subscribe)
                why = subscription_parse_list(options->subscribe, &wish->subscription);
        if (why)
                return failure_say(options, EXIT_USAGE, FAILURE_USAGE, "%s", why);

        if (options->session)
                code = object_resolve(ctl, KIND_SESSION, options->session, &wish->session);
        return code == EXIT_DONE ? subscription_resolve(ctl, &wish->subscription) : code;
}

Exit verb_create_participant(Ctl *ctl) {
        Job job = { .ctl = ctl, .object.kind = KIND_PARTICIPANT };
        CLEANUP(wish_deinit) Wish wish = { 0 };
        Exit code = wish_read(ctl, &wish);

        if (code != EXIT_DONE)
                return code;

        job.call = create_begin(ctl, "CreateParticipant");
        if (ctl->options.callback_url)
                dict_text(job.call, "CallbackUrl", ctl->options.callback_url);
        if (ctl->options.publish)
                dict_texts(job.call, "PublishPermissions", wish.permissions);
        if (wish.session.number) {
                dict_path(job.call, "Session", wish.session.path);
                job.session = wish.session.path;
        }
        if (ctl->options.subscribe)
                subscription_append_options(&wish.subscription, job.call);
        return create_end(ctl, &job);
}
