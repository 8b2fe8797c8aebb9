/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "simulator/options.h"

#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stddef.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "base/text.h"

#define LIFETIME_USEC (9 * USEC_PER_HOUR)

/* How a value is read; those from HELP on are no settings. */
typedef enum OptionType {
        TYPE_TEXT,
        TYPE_ADDRESS,
        TYPE_ACCOUNT,
        TYPE_CREDENTIALS,
        TYPE_GENERATION,
        TYPE_SECONDS,
        TYPE_RATE,
        TYPE_SEED,
        TYPE_SWITCH,
        TYPE_HELP,
        TYPE_VERSION,
} OptionType;

static const struct {
        const char *name;
        OptionType type;
        size_t offset;
} options[] = {
        { "listen", TYPE_ADDRESS, offsetof(Settings, listen) },
        { "account", TYPE_ACCOUNT, offsetof(Settings, account) },
        { "credentials", TYPE_CREDENTIALS, offsetof(Settings, credentials) },
        { "tls-cert", TYPE_TEXT, offsetof(Settings, tls_cert) },
        { "tls-key", TYPE_TEXT, offsetof(Settings, tls_key) },
        { "generation", TYPE_GENERATION, offsetof(Settings, generation) },
        { "session-lifetime", TYPE_SECONDS, offsetof(Settings, session_lifetime_usec) },
        { "participant-lifetime", TYPE_SECONDS, offsetof(Settings, participant_lifetime_usec) },
        { "state", TYPE_TEXT, offsetof(Settings, state) },
        { "faults", TYPE_TEXT, offsetof(Settings, faults) },
        { "seed", TYPE_SEED, offsetof(Settings, seed) },
        { "requests-per-sec", TYPE_RATE, offsetof(Settings, requests_per_sec) },
        { "verbose", TYPE_SWITCH, offsetof(Settings, verbose) },
        { "member-ids", TYPE_SWITCH, offsetof(Settings, member_ids) },
        { "empty-as-204", TYPE_SWITCH, offsetof(Settings, empty_as_204) },
        { "any-session-id", TYPE_SWITCH, offsetof(Settings, any_session_id) },
        { "no-callback-echo", TYPE_SWITCH, offsetof(Settings, no_callback_echo) },
        { "invent-tags", TYPE_SWITCH, offsetof(Settings, invent_tags) },
        { "lenient-subscriptions", TYPE_SWITCH, offsetof(Settings, lenient_subscriptions) },
        { "shuffle", TYPE_SWITCH, offsetof(Settings, shuffle) },
        { "help", TYPE_HELP, 0 },
        { "version", TYPE_VERSION, 0 },
};

static const char help[] =
        "Usage: convened-simulator [OPTION]...\n"
        "\n"
        "Stands in for the Bandwidth WebRTC API on this machine, for development and tests.\n"
        "\n"
        "      --listen=ADDRESS:PORT       where to listen (127.0.0.1:0: any free port)\n"
        "      --account=ID                the account that exists (9900000)\n"
        "      --credentials=USER:PASSWORD who may use it (user:password)\n"
        "      --tls-cert=FILE             certificate and key, both PEM: https\n"
        "      --tls-key=FILE\n"
        "      --generation=2022|2020      the API as it is, or as it was first documented\n"
        "      --session-lifetime=SEC      until a session is deleted (32400: nine hours)\n"
        "      --participant-lifetime=SEC  until a participant is deleted (32400)\n"
        "      --state=FILE                keep what there is over a restart\n"
        "      --faults=FILE               begin with these fault rules\n"
        "      --seed=N                    the same ids and the same chance each time\n"
        "      --verbose                   a line on standard error for each request\n"
        "\n"
        "Other readings of the documentation:\n"
        "      --member-ids                sessions tell participant_ids\n"
        "      --empty-as-204              204 for an empty list and for no subscriptions\n"
        "      --any-session-id            a sessionId that differs from the path's is taken as "
        "that\n"
        "      --no-callback-echo          callbackUrl is always null\n"
        "      --invent-tags               a participant without a tag gets one\n"
        "      --lenient-subscriptions     subscriptions of one who is no member are stored\n"
        "      --shuffle                   permissions and members come in any order\n"
        "      --requests-per-sec=N        429 beyond\n"
        "\n"
        "      --help                      print this\n"
        "      --version                   print the version\n"
        "\n"
        "The first line of standard output tells the address, once it answers. See\n"
        "convened-simulator(1) for the test interface and the fault rules.\n";

const char *options_help(void) {
        return help;
}

static bool read_positive(const char *value, double *ret) {
        char *end;

        *ret = strtod(value, &end);
        return end != value && !*end && isfinite(*ret) && *ret > 0;
}

/* At most a century: the sum with today's date has room. */
static const char *read_seconds(const char *value, usec_t *ret) {
        double seconds;

        if (!read_positive(value, &seconds) || seconds > 100 * 365 * 86400.0)
                return "must be a number of seconds above 0";

        *ret = (usec_t)(seconds * USEC_PER_SEC);
        return NULL;
}

static const char *read_seed(const char *value, Settings *settings) {
        char *end;
        unsigned long long seed;

        errno = 0;
        seed = strtoull(value, &end, 10);
        if (!isdigit((unsigned char)value[0]) || *end || errno)
                return "must be a whole number";

        settings->seed = seed;
        settings->has_seed = true;
        return NULL;
}

static const char *read_generation(const char *value, Generation *ret) {
        if (streq(value, "2022"))
                *ret = GENERATION_2022;
        else if (streq(value, "2020"))
                *ret = GENERATION_2020;
        else
                return "must be 2022 or 2020";
        return NULL;
}

static bool is_account(const char *value) {
        size_t n =
                strspn(value, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_");

        return n > 0 && n <= 16 && !value[n];
}

/* Whether there is a host, and a port behind the last colon: getaddrinfo() would cut 65536 to 0. */
static bool is_address(const char *value) {
        const char *colon = strrchr(value, ':');
        size_t n = colon ? strspn(colon + 1, "0123456789") : 0;

        return colon != value && n > 0 && n <= 5 && !colon[1 + n] && atoi(colon + 1) <= UINT16_MAX;
}

/* Return: NULL, or what is wrong with the value. */
static const char *read_value(OptionType type, const char *value, void *place, Settings *settings) {
        double number;

        switch (type) {
        case TYPE_TEXT:
                *(const char **)place = value;
                return *value ? NULL : "must not be empty";
        case TYPE_ADDRESS:
                *(const char **)place = value;
                return is_address(value) ? NULL : "must be ADDRESS:PORT, with a port up to 65535";
        case TYPE_ACCOUNT:
                *(const char **)place = value;
                return is_account(value) ? NULL : "must be 1 to 16 letters, digits, _ and -";
        case TYPE_CREDENTIALS:
                *(const char **)place = value;
                return strchr(value, ':') ? NULL : "must be USER:PASSWORD";
        case TYPE_GENERATION:
                return read_generation(value, place);
        case TYPE_SECONDS:
                return read_seconds(value, place);
        case TYPE_RATE:
                if (!read_positive(value, &number))
                        return "must be a number above 0";
                *(double *)place = number;
                return NULL;
        case TYPE_SEED:
                return read_seed(value, settings);
        case TYPE_SWITCH:
                *(bool *)place = true;
                return NULL;
        case TYPE_HELP:
        case TYPE_VERSION:
                break;
        }
        return NULL;
}

static void list_options(struct option ret[static ELEMENTSOF(options) + 1]) {
        for (size_t i = 0; i < ELEMENTSOF(options); i++)
                ret[i] = (struct option){
                        .name = options[i].name,
                        .has_arg = options[i].type >= TYPE_SWITCH ? no_argument : required_argument,
                        .val = (int)i + 256,
                };
        ret[ELEMENTSOF(options)] = (struct option){ 0 };
}

static OptionsOutcome wrong(char **ret_problem, const char *before, const char *text,
                            const char *after) {
        if (asprintf(ret_problem, "%s%s%s", before, text, after) < 0)
                *ret_problem = NULL;
        return OPTIONS_WRONG;
}

static OptionsOutcome take_option(size_t i, const char *value, Settings *settings,
                                  char **ret_problem) {
        const char *problem;
        char before[64], shown[64];

        if (options[i].type == TYPE_HELP)
                return OPTIONS_HELP;
        if (options[i].type == TYPE_VERSION)
                return OPTIONS_VERSION;

        problem =
                read_value(options[i].type, value, (char *)settings + options[i].offset, settings);
        if (!problem)
                return OPTIONS_RUN;
        snprintf(before, sizeof(before), "--%s=", options[i].name);
        /* The value of --credentials is a secret, and is not repeated. */
        snprintf(shown, sizeof(shown),
                 "%.60s: ", options[i].type == TYPE_CREDENTIALS ? "…" : value);
        return wrong(ret_problem, before, shown, problem);
}

OptionsOutcome options_parse(int argc, char **argv, Settings *ret, char **ret_problem) {
        struct option list[ELEMENTSOF(options) + 1];
        Settings settings = {
                .listen = "127.0.0.1:0",
                .account = "9900000",
                .credentials = "user:password",
                .generation = GENERATION_2022,
                .session_lifetime_usec = LIFETIME_USEC,
                .participant_lifetime_usec = LIFETIME_USEC,
        };
        int c;

        list_options(list);
        optind = 0; /* this may be the second command line of the process, in a test */
        while ((c = getopt_long(argc, argv, "+:", list, NULL)) >= 0) {
                OptionsOutcome outcome;

                if (c == ':')
                        return wrong(ret_problem, argv[optind - 1], ": ", "a value is missing");
                if (c < 256)
                        return wrong(ret_problem, argv[optind - 1], ": ", "no such option");
                outcome = take_option((size_t)c - 256, optarg, &settings, ret_problem);
                if (outcome != OPTIONS_RUN)
                        return outcome;
        }
        if (optind < argc)
                return wrong(ret_problem, argv[optind], ": ",
                             "there are no arguments, only options");
        if (!settings.tls_cert != !settings.tls_key)
                return wrong(ret_problem, "--tls-cert and --tls-key", ": ", "one needs the other");

        *ret = settings;
        return OPTIONS_RUN;
}
