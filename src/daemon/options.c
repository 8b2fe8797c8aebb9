/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/options.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <syslog.h>
#include <unistd.h>

#include "base/level.h"
#include "daemon/refusal.h"

const char options_help[] =
        "convened [OPTIONS…]\n"
        "\n"
        "Keep sessions and participants of Bandwidth WebRTC, and offer them on D-Bus.\n"
        "\n"
        "     --system           serve the system bus (the default for root)\n"
        "     --user             serve the user's session bus (the default for anyone else)\n"
        "     --config=FILE      read this configuration\n"
        "     --state-dir=DIR    keep the state here\n"
        "     --log-level=LEVEL  emerg, alert, crit, err, warning, notice, info (the default)\n"
        "                        or debug\n"
        "  -h --help             show this and exit\n"
        "     --version          show the version and exit\n"
        "\n"
        "See convened(8) and convened.conf(5).\n";

enum { ARG_SYSTEM = 0x100, ARG_USER, ARG_CONFIG, ARG_STATE_DIR, ARG_LOG_LEVEL, ARG_VERSION };

static const struct option long_options[] = {
        { "system", no_argument, NULL, ARG_SYSTEM },
        { "user", no_argument, NULL, ARG_USER },
        { "config", required_argument, NULL, ARG_CONFIG },
        { "state-dir", required_argument, NULL, ARG_STATE_DIR },
        { "log-level", required_argument, NULL, ARG_LOG_LEVEL },
        { "help", no_argument, NULL, 'h' },
        { "version", no_argument, NULL, ARG_VERSION },
        {},
};

Options *options_free(Options *options) {
        if (!options)
                return NULL;

        free(options->configuration_file);
        free(options->state_directory);
        free(options);
        return NULL;
}

static int set_path(char **field, const char *name, const char *value, char **ret_reason) {
        char *copy;

        if (*value == '\0')
                return refusal(ret_reason, "--%s= needs a path.", name);

        copy = strdup(value);
        if (!copy)
                return -ENOMEM;

        free(*field);
        *field = copy;
        return 0;
}

static int take_option(Options *options, int option, char **argv, char **ret_reason) {
        switch (option) {
        case ARG_SYSTEM:
        case ARG_USER:
                options->system = option == ARG_SYSTEM;
                return 0;
        case ARG_CONFIG:
                options->configuration_required = true;
                return set_path(&options->configuration_file, "config", optarg, ret_reason);
        case ARG_STATE_DIR:
                return set_path(&options->state_directory, "state-dir", optarg, ret_reason);
        case ARG_LOG_LEVEL:
                if (level_parse(&options->log_level, optarg))
                        return 0;
                return refusal(ret_reason, "--log-level=: expected emerg, alert, crit, err, "
                                           "warning, notice, info or debug.");
        case 'h':
                return OPTIONS_HELP;
        case ARG_VERSION:
                return OPTIONS_VERSION;
        default:
                return refusal(ret_reason, "%s: not an option, or not complete; see --help.",
                               argv[optind - 1]);
        }
}

int options_new(Options **ret, int argc, char **argv, char **ret_reason) {
        CLEANUP(options_freep) Options *options = NULL;
        int option, r;

        options = calloc(1, sizeof(*options));
        if (!options)
                return -ENOMEM;

        options->system = getuid() == 0;
        options->log_level = LOG_INFO;

        /* 0 starts afresh, and forgets what an earlier call found (GNU). */
        optind = 0;
        opterr = 0;
        while ((option = getopt_long(argc, argv, "h", long_options, NULL)) >= 0) {
                r = take_option(options, option, argv, ret_reason);
                if (r != 0)
                        return r;
        }
        if (optind < argc)
                return refusal(ret_reason,
                               "convened takes no arguments, only options; see --help.");

        *ret = TAKE(options);
        return 0;
}

/* The XDG Base Directory Specification has relative paths ignored. */
static const char *environment_path(const char *name) {
        const char *value = getenv(name);

        return value && *value == '/' ? value : NULL;
}

/* systemd joins several directories by colons; ours is the first. */
static int first_of(char **ret, const char *list, const char *suffix) {
        return asprintf(ret, "%.*s%s", (int)strcspn(list, ":"), list, suffix) < 0 ? -ENOMEM : 0;
}

static int below_home(char **ret, const char *xdg, const char *fallback, const char *suffix) {
        const char *base = environment_path(xdg), *home = environment_path("HOME");

        if (!base && !home)
                return -ENOENT;

        if (asprintf(ret, "%s%s%s", base ? base : home, base ? "" : fallback, suffix) < 0)
                return -ENOMEM;

        return 0;
}

static int find_configuration(Options *options, char **ret_reason) {
        const char *directory = environment_path("CONFIGURATION_DIRECTORY");
        int r;

        if (options->configuration_file)
                return 0;
        if (directory)
                return first_of(&options->configuration_file, directory, "/convened.conf");
        if (options->system)
                return first_of(&options->configuration_file, "/etc/convened", "/convened.conf");

        r = below_home(&options->configuration_file, "XDG_CONFIG_HOME", "/.config",
                       "/convened/convened.conf");
        return r == -ENOENT ? refusal(ret_reason, "There is no $HOME to find the configuration in; "
                                                  "give --config=FILE.")
                            : r;
}

static int find_state(Options *options, char **ret_reason) {
        const char *directory = environment_path("STATE_DIRECTORY");
        int r;

        if (options->state_directory)
                return 0;
        if (directory)
                return first_of(&options->state_directory, directory, "");

        r = below_home(&options->state_directory, "XDG_STATE_HOME", "/.local/state", "/convened");
        return r == -ENOENT ? refusal(ret_reason, "There is no $HOME to keep the state in; give "
                                                  "--state-dir=DIR.")
                            : r;
}

int options_find_files(Options *options, char **ret_reason) {
        int r = find_configuration(options, ret_reason);

        return r == 0 ? find_state(options, ret_reason) : r;
}
