/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/options.h"

#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "ctl/memory.h"

enum {
        OPTION_USER = 256,
        OPTION_SYSTEM,
        OPTION_JSON,
        OPTION_NO_LEGEND,
        OPTION_NO_PAGER,
        OPTION_NO_WAIT,
        OPTION_TIMEOUT,
        OPTION_LIFETIME,
        OPTION_AT_MOST_ONCE,
        OPTION_PUBLISH,
        OPTION_CALLBACK_URL,
        OPTION_SESSION,
        OPTION_SUBSCRIBE,
        OPTION_REDACT,
        OPTION_VERSION,
};

static const struct option long_options[] = {
        { "help", no_argument, NULL, 'h' },
        { "full", no_argument, NULL, 'l' },
        { "version", no_argument, NULL, OPTION_VERSION },
        { "user", no_argument, NULL, OPTION_USER },
        { "system", no_argument, NULL, OPTION_SYSTEM },
        { "host", required_argument, NULL, 'H' },
        { "json", required_argument, NULL, OPTION_JSON },
        { "no-legend", no_argument, NULL, OPTION_NO_LEGEND },
        { "no-pager", no_argument, NULL, OPTION_NO_PAGER },
        { "redact", no_argument, NULL, OPTION_REDACT },
        { "no-wait", no_argument, NULL, OPTION_NO_WAIT },
        { "timeout", required_argument, NULL, OPTION_TIMEOUT },
        { "lifetime", required_argument, NULL, OPTION_LIFETIME },
        { "at-most-once", no_argument, NULL, OPTION_AT_MOST_ONCE },
        { "publish", required_argument, NULL, OPTION_PUBLISH },
        { "callback-url", required_argument, NULL, OPTION_CALLBACK_URL },
        { "session", required_argument, NULL, OPTION_SESSION },
        { "subscribe", required_argument, NULL, OPTION_SUBSCRIBE },
        {},
};

bool options_seconds(const char *text, usec_t *ret) {
        char *end;
        double seconds;

        /* strtod() takes more than people mean by seconds: signs, hexadecimal, "inf". */
        if (strspn(text, "0123456789.") != strlen(text))
                return false;

        errno = 0;
        seconds = strtod(text, &end);
        if (errno != 0 || end == text || *end || seconds > 1e9)
                return false;

        *ret = (usec_t)llround(seconds * (double)USEC_PER_SEC);
        return true;
}

static bool json_read(const char *text, JsonMode *ret) {
        static const struct {
                const char *name;
                JsonMode mode;
        } modes[] = { { "off", JSON_OFF }, { "short", JSON_SHORT }, { "pretty", JSON_PRETTY } };

        for (size_t i = 0; i < ELEMENTSOF(modes); i++)
                if (streq(text, modes[i].name)) {
                        *ret = modes[i].mode;
                        return true;
                }
        return false;
}

/* The options that are for some verbs only; false: not one of these. */
static bool option_for_some(int option, Options *o) {
        switch (option) {
        case OPTION_NO_WAIT:
                o->no_wait = true;
                o->given |= TAKES_WAITING;
                return true;
        case OPTION_REDACT:
                o->redact = true;
                o->given |= TAKES_REDACT;
                return true;
        case OPTION_AT_MOST_ONCE:
                o->at_most_once = true;
                o->given |= TAKES_AT_MOST_ONCE;
                return true;
        case OPTION_PUBLISH:
                o->publish = optarg;
                o->given |= TAKES_PUBLISH;
                return true;
        case OPTION_CALLBACK_URL:
                o->callback_url = optarg;
                o->given |= TAKES_CALLBACK_URL;
                return true;
        case OPTION_SESSION:
                o->session = optarg;
                o->given |= TAKES_SESSION;
                return true;
        case OPTION_SUBSCRIBE:
                o->subscribe = optarg;
                o->given |= TAKES_SUBSCRIBE;
                return true;
        default:
                return false;
        }
}

/* One option, as getopt_long() told it; NULL, or what is wrong with it. */
static char *option_apply(int option, Options *o) {
        switch (option) {
        case 'h':
                o->help = true;
                return NULL;
        case 'l':
                o->full = true;
                return NULL;
        case OPTION_VERSION:
                o->version = true;
                return NULL;
        case OPTION_USER:
        case OPTION_SYSTEM:
                o->user = o->user_said = option == OPTION_USER;
                return NULL;
        case 'H':
                if (!optarg[0] || optarg[0] == '-')
                        return format("--host= is [USER@]HOST, not \"%s\"", optarg);
                o->host = optarg;
                return NULL;
        case OPTION_JSON:
                if (json_read(optarg, &o->json))
                        return NULL;
                return format("--json= is one of pretty, short and off, not \"%s\"", optarg);
        case OPTION_NO_LEGEND:
                o->no_legend = true;
                return NULL;
        case OPTION_NO_PAGER:
                o->no_pager = true;
                return NULL;
        case OPTION_TIMEOUT:
                o->given |= TAKES_WAITING;
                if (options_seconds(optarg, &o->timeout_usec))
                        return NULL;
                return format("--timeout= is a number of seconds, not \"%s\"", optarg);
        case OPTION_LIFETIME:
                o->lifetime = optarg;
                o->given |= TAKES_LIFETIME;
                if (streq(optarg, "persistent") || streq(optarg, "client"))
                        return NULL;
                return format("--lifetime= is persistent or client, not \"%s\"", optarg);
        default:
                return option_for_some(option, o) ? NULL : format("unknown option");
        }
}

/* getopt's own two complaints, with the option that they are about. */
static char *option_complaint(int option, char **argv) {
        const char *word = argv[optind - 1];

        if (option == ':')
                return format("%s needs a value", word);
        if (optopt > 0 && optopt < 256)
                return format("unknown option -%c", optopt);
        if (optopt >= 256)
                return format("%s takes no value", word);
        return format("unknown option %s", word);
}

int options_read(int argc, char **argv, Options *ret, char **ret_why) {
        int option;

        *ret = (Options){ .user = geteuid() != 0, .timeout_usec = USEC_NEVER };
        optind = 0;
        opterr = 0;
        while ((option = getopt_long(argc, argv, ":hlH:", long_options, NULL)) >= 0) {
                char *why = option == '?' || option == ':' ? option_complaint(option, argv)
                                                           : option_apply(option, ret);

                if (why) {
                        *ret_why = why;
                        return -EINVAL;
                }
        }
        if (ret->host && ret->user_said) {
                *ret_why = format("--host= is for a system bus, and cannot go with --user");
                return -EINVAL;
        }
        ret->user = ret->user && !ret->host;
        return optind;
}

char *options_bus(const Options *options) {
        if (options->host && options->redact)
                return format("system bus of another host");
        if (options->host)
                return format("system bus of %s", options->host);
        return format("%s bus", options->user ? "user" : "system");
}

static unsigned option_taken(int option) {
        switch (option) {
        case OPTION_NO_WAIT:
        case OPTION_TIMEOUT:
                return TAKES_WAITING;
        case OPTION_LIFETIME:
                return TAKES_LIFETIME;
        case OPTION_AT_MOST_ONCE:
                return TAKES_AT_MOST_ONCE;
        case OPTION_PUBLISH:
                return TAKES_PUBLISH;
        case OPTION_CALLBACK_URL:
                return TAKES_CALLBACK_URL;
        case OPTION_SESSION:
                return TAKES_SESSION;
        case OPTION_SUBSCRIBE:
                return TAKES_SUBSCRIBE;
        case OPTION_REDACT:
                return TAKES_REDACT;
        default:
                return 0;
        }
}

char *options_word(size_t i, unsigned *ret_taken) {
        const struct option *option = &long_options[i];

        if (!option->name)
                return NULL;
        *ret_taken = option_taken(option->val);
        return format("--%s%s", option->name, option->has_arg == required_argument ? "=" : "");
}

bool options_wants_value(const char *word) {
        if (streq(word, "-H"))
                return true;
        for (const struct option *option = long_options; option->name; option++)
                if (option->has_arg == required_argument && strncmp(word, "--", 2) == 0 &&
                    streq(word + 2, option->name))
                        return true;
        return false;
}

const char *options_name(unsigned taken) {
        static const struct {
                Taken bit;
                const char *name;
        } names[] = {
                { TAKES_LIFETIME, "--lifetime=" },
                { TAKES_AT_MOST_ONCE, "--at-most-once" },
                { TAKES_PUBLISH, "--publish=" },
                { TAKES_CALLBACK_URL, "--callback-url=" },
                { TAKES_SESSION, "--session=" },
                { TAKES_SUBSCRIBE, "--subscribe=" },
                { TAKES_WAITING, "--no-wait and --timeout=" },
                { TAKES_REDACT, "--redact" },
        };

        for (size_t i = 0; i < ELEMENTSOF(names); i++)
                if (taken & names[i].bit)
                        return names[i].name;
        return "";
}
