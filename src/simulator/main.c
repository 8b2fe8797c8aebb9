/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* convened-simulator: puts the parts together, and says what goes wrong. */

#include <errno.h>
#include <stdio.h>
#include <sys/random.h>

#include "base/clock.h"
#include "simulator/options.h"
#include "simulator/server.h"

#define EXIT_USAGE 2

static int complain(const char *what, const char *why) {
        fprintf(stderr, "convened-simulator: %s: %s\n", what, why);
        return EXIT_FAILURE;
}

static int read_file(const char *path, Buffer *ret) {
        FILE *stream = fopen(path, "re");
        char piece[4096];
        size_t n;
        int r;

        if (!stream)
                return -errno;

        while ((n = fread(piece, 1, sizeof(piece), stream)) > 0)
                buffer_add(ret, piece, n);
        r = ferror(stream) ? -EIO : ret->failed ? -ENOMEM : 0;
        fclose(stream);
        return r;
}

static uint64_t choose_seed(const Settings *settings) {
        uint64_t seed = settings->seed;

        if (!settings->has_seed && getrandom(&seed, sizeof(seed), 0) != sizeof(seed))
                seed = clock_now().realtime;
        return seed;
}

static int load_faults(Simulator *simulator, const char *path) {
        CLEANUP(buffer_deinit) Buffer text = { 0 };
        const char *problem;
        int r;

        r = read_file(path, &text);
        if (r < 0)
                return complain(path, strerror(-r));

        problem = faults_read(&simulator->faults, text.text, text.n);
        return problem ? complain(path, problem) : 0;
}

static int complain_of_state(const char *path, int error, unsigned line) {
        char place[32];

        if (error == -EXDEV)
                return complain(path, "belongs to another account; give its --account");
        if (error != -EBADMSG)
                return complain(path, strerror(-error));

        snprintf(place, sizeof(place), "line %u cannot be read", line);
        return complain(path, place);
}

static int load_state(Simulator *simulator, const char *path) {
        uint64_t starts = 0;
        unsigned line = 0;
        int r;

        r = state_file_open(&simulator->state_file, path, simulator->world, &starts, &line);
        if (r < 0)
                return complain_of_state(path, r, line);

        /* The seed gave out its first ids in the run before. */
        simulator->random.state ^= starts * UINT64_C(0xd1342543de82ef95);
        return 0;
}

/* Return: 0, or the exit status; what is wrong has been said. */
static int load(Simulator *simulator, const Settings *settings) {
        int r = 0;

        if (settings->state)
                r = load_state(simulator, settings->state);
        if (r == 0 && settings->faults)
                r = load_faults(simulator, settings->faults);
        return r;
}

static int read_pem(const char *path, Buffer *ret) {
        int r;

        r = read_file(path, ret);
        if (r < 0)
                return complain(path, strerror(-r));
        return ret->n > 0 ? 0 : complain(path, "is empty");
}

static int load_tls(const Settings *settings, Buffer *certificate, Buffer *key) {
        int r;

        if (!settings->tls_cert)
                return 0;

        r = read_pem(settings->tls_cert, certificate);
        return r != 0 ? r : read_pem(settings->tls_key, key);
}

static int announce(const Listener *listener, bool tls) {
        char address[128];

        listener_print(listener, sizeof(address), address);
        printf("listening on %s://%s\n", tls ? "https" : "http", address);
        return fflush(stdout) == 0 ? 0 : complain("standard output", strerror(errno));
}

static int serve(Simulator *simulator, const Settings *settings, const ServerConfig *config) {
        CLEANUP(server_freep) Server *server = NULL;
        int r;

        r = server_new(&server, simulator, config);
        if (r == -EINVAL && config->certificate)
                return complain(settings->tls_cert, "this certificate and its key cannot be used");
        if (r < 0)
                return complain(settings->listen, strerror(-r));

        r = announce(config->listener, config->certificate);
        if (r != 0)
                return r;
        r = server_run(server);
        return r < 0 ? complain("stopped", strerror(-r)) : EXIT_SUCCESS;
}

static int run(const Settings *settings) {
        CLEANUP(simulator_deinit) Simulator simulator = { 0 };
        CLEANUP(buffer_deinit) Buffer certificate = { 0 };
        CLEANUP(buffer_deinit) Buffer key = { 0 };
        Listener listener;
        ServerConfig config = { .listener = &listener, .verbose = settings->verbose };
        const char *problem = listener_parse(&listener, settings->listen);
        int r;

        if (problem) {
                fprintf(stderr, "convened-simulator: --listen=%s: %s\n", settings->listen, problem);
                return EXIT_FAILURE;
        }
        if (simulator_init(&simulator, settings, choose_seed(settings), clock_now()) < 0)
                return complain("cannot start", strerror(ENOMEM));
        r = load(&simulator, settings);
        if (r == 0)
                r = load_tls(settings, &certificate, &key);
        if (r != 0)
                return r;

        config.certificate = certificate.text;
        config.key = key.text;
        return serve(&simulator, settings, &config);
}

int main(int argc, char **argv) {
        CLEANUP(freep) char *problem = NULL;
        Settings settings;

        switch (options_parse(argc, argv, &settings, &problem)) {
        case OPTIONS_RUN:
                return run(&settings);
        case OPTIONS_HELP:
                fputs(options_help(), stdout);
                return EXIT_SUCCESS;
        case OPTIONS_VERSION:
                puts("convened-simulator " PACKAGE_VERSION);
                return EXIT_SUCCESS;
        case OPTIONS_WRONG:
                complain(problem ? problem : "options", "see --help");
                return EXIT_USAGE;
        }
        return EXIT_FAILURE;
}
