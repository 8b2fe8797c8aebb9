/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* convenectl: finds the verb, checks its words and options, connects, and goes. */

#include <stdio.h>

#include "base/text.h"
#include "ctl/agent.h"
#include "ctl/memory.h"
#include "ctl/pager.h"
#include "ctl/redact.h"
#include "ctl/verbs.h"

static const char help_options[] =
        "\nOptions:\n"
        "     --user              Talk to the service on the user bus (default but for root)\n"
        "     --system            Talk to the service on the system bus\n"
        "  -H --host=[USER@]HOST  Talk to the service on that host's system bus, over ssh\n"
        "     --json=MODE         Print JSON: pretty, short, off\n"
        "     --no-legend         No titles and no counts around tables\n"
        "     --no-pager          Do not send long output through a pager\n"
        "  -l --full              Do not shorten what does not fit\n"
        "     --redact            Print stand-ins for ids and tags, for a bug report\n"
        "     --no-wait           Return as soon as a change is accepted\n"
        "     --timeout=SEC       Wait so long for a change to be in sync\n"
        "     --lifetime=WHICH    persistent or client, for what is created\n"
        "     --at-most-once      Never repeat a creation whose outcome is unknown\n"
        "     --publish=LIST      Of audio,video; what a new participant may publish\n"
        "     --callback-url=URL  Where the API reports a new participant's events\n"
        "     --session=SESSION   Whose participants; or the one to be joined\n"
        "     --subscribe=WHAT    none, session, or PARTICIPANT[:ALIAS...],...\n"
        "  -h --help              Show this\n"
        "     --version           Show the version\n"
        "\n"
        "A SESSION or PARTICIPANT is its number, its API id or a unique beginning of it, or its\n"
        "tag where that is unique. WHAT is none, session, or PARTICIPANT[:ALIAS...] words.\n";

static void help(void) {
        puts("convenectl [OPTIONS...] VERB ...\n\n"
             "Sessions and participants of the Bandwidth WebRTC API, as convened keeps them.\n\n"
             "Verbs:");
        for (const Verb *verb = verbs; verb->name; verb++) {
                CLEANUP(freep) char *call = format("%s %s", verb->name, verb->words);

                if (verb->help)
                        printf("  %-38s %s\n", call, verb->help);
        }
        fputs(help_options, stdout);
}

static Exit verb_check(const Ctl *ctl, const Verb *verb) {
        const Options *options = &ctl->options;
        unsigned strange = options->given & ~verb->takes;

        if (ctl->n_words < verb->n_min || ctl->n_words > verb->n_max)
                return failure_say(options, EXIT_USAGE, FAILURE_USAGE, "say: convenectl %s%s%s",
                                   verb->name, verb->words[0] ? " " : "", verb->words);
        if (strange)
                return failure_say(options, EXIT_USAGE, FAILURE_USAGE, "%s means nothing to %s",
                                   options_name(strange), verb->name);
        for (size_t i = 0; i < ctl->n_words; i++) {
                size_t n;

                if (!text_code_points(ctl->words[i], &n))
                        return failure_say(options, EXIT_USAGE, FAILURE_USAGE,
                                           "word %zu behind %s is not UTF-8", i + 1, verb->name);
        }
        return EXIT_DONE;
}

static Exit run(Ctl *ctl) {
        const char *name = ctl->n_words > 0 ? ctl->words[0] : "status";
        const Verb *verb = verb_find(name);
        Exit code;

        if (!verb)
                return failure_say(&ctl->options, EXIT_USAGE, FAILURE_USAGE,
                                   "unknown verb \"%s\"; convenectl --help lists them", name);
        if (ctl->n_words > 0) {
                ctl->words++;
                ctl->n_words--;
        }

        for (size_t i = 0; i < ctl->n_words; i++)
                redact_learn(&ctl->options, ctl->words[i]);
        if (ctl->options.session)
                redact_learn(&ctl->options, ctl->options.session);
        code = verb_check(ctl, verb);
        /* What is no verb for people connects by itself, or not at all. */
        if (code == EXIT_DONE && verb->help)
                code = ctl_connect(ctl);
        if (code == EXIT_DONE)
                code = verb->run(ctl);
        return code;
}

/* A full disk behind standard output is a failure like any other. */
static Exit flush_output(const Ctl *ctl, Exit code) {
        if (fflush(stdout) == 0 && !ferror(stdout))
                return code;
        return failure_say(&ctl->options, EXIT_FAILED, SD_BUS_ERROR_IO_ERROR,
                           "cannot write the output");
}

int main(int argc, char **argv) {
        Ctl ctl = { .screen = screen_init() };
        CLEANUP(freep) char *why = NULL;
        int first = options_read(argc, argv, &ctl.options, &why);
        Exit code;

        if (first < 0)
                return (int)failure_say(&ctl.options, EXIT_USAGE, FAILURE_USAGE,
                                        "%s; convenectl --help lists what there is", why);
        if (ctl.options.help) {
                pager_open(&ctl.options);
                help();
                pager_close();
                return EXIT_DONE;
        }
        if (ctl.options.version) {
                puts("convenectl " PACKAGE_VERSION);
                return EXIT_DONE;
        }

        ctl.words = argv + first;
        ctl.n_words = (size_t)(argc - first);
        code = run(&ctl);
        agent_close();
        pager_close();
        code = flush_output(&ctl, code);
        bus_free(ctl.bus);
        return (int)code;
}
