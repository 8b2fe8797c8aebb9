/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * simulate [--seeds=N] [--first=SEED] [--hours=H] [--verbose] [SEED]
 *
 * The product's own core against a fake world, one seed a run. A seed that fails is printed with
 * the step and the invariant, and does the same again when it is given as the argument. Exit
 * status: 0 all held, 1 something did not, 2 usage.
 */

#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>

#include "simulation/run.h"

typedef struct Options {
        uint64_t first;
        unsigned n_seeds, hours;
        bool verbose, single;
} Options;

/* Enough of them that whatever can happen has happened. */
#define SEEDS_FOR_FLOORS 200

static volatile uint64_t current_seed;

/* An assertion in the core ends the program; without the seed it would be worth nothing. */
static void on_abort(int number) {
        char text[80] = "simulate: the program ends in seed ";
        size_t n = strlen(text), digits = 1;

        for (uint64_t x = current_seed; x >= 10; x /= 10)
                digits++;
        for (uint64_t x = current_seed, i = digits; i > 0; i--, x /= 10)
                text[n + i - 1] = (char)('0' + x % 10);
        text[n + digits] = '\n';
        if (write(STDERR_FILENO, text, n + digits + 1) < 0)
                _exit(1);
        signal(number, SIG_DFL);
        raise(number);
}

static bool parse_number(const char *text, uint64_t *ret) {
        char *end = NULL;
        const unsigned long long number = strtoull(text, &end, 10);

        if (!*text || *end || *text == '-')
                return false;
        *ret = number;
        return true;
}

static int usage(void) {
        fputs("usage: simulate [--seeds=N] [--first=SEED] [--hours=H] [--verbose] [SEED]\n",
              stderr);
        return 2;
}

static bool parse_options(Options *options, int argc, char **argv) {
        static const struct option table[] = {
                { "seeds", required_argument, NULL, 's' },
                { "first", required_argument, NULL, 'f' },
                { "hours", required_argument, NULL, 'h' },
                { "verbose", no_argument, NULL, 'v' },
                { 0 },
        };
        uint64_t number = 0;
        int c;

        while ((c = getopt_long(argc, argv, "", table, NULL)) >= 0) {
                if (c == '?' || (optarg && !parse_number(optarg, &number)))
                        return false;
                if (c == 's')
                        options->n_seeds = (unsigned)number;
                if (c == 'f')
                        options->first = number;
                if (c == 'h')
                        options->hours = (unsigned)number;
                if (c == 'v')
                        options->verbose = true;
        }
        if (optind < argc) {
                if (optind + 1 < argc || !parse_number(argv[optind], &options->first))
                        return false;
                options->single = true;
                options->n_seeds = 1;
        }
        return options->hours >= 2;
}

static void report(uint64_t seed, const Options *options, const Failure *failure) {
        printf("seed %" PRIu64 ", step %" PRIu64 ", %.4f h: %s: %s\n    again: simulate --hours=%u "
               "--verbose %" PRIu64 "\n",
               seed, failure->step, (double)failure->at / USEC_PER_HOUR, failure->invariant,
               failure->text, options->hours, seed);
        fflush(stdout);
}

int main(int argc, char **argv) {
        Options options = { .first = 1, .n_seeds = SEEDS_FOR_FLOORS, .hours = 24 };
        Tally tally = { 0 };
        unsigned n_missing = 0;

        if (!parse_options(&options, argc, argv))
                return usage();
        signal(SIGABRT, on_abort);
        signal(SIGSEGV, on_abort);

        for (unsigned i = 0; i < options.n_seeds; i++) {
                Failure failure;

                current_seed = options.first + i;
                tally.n_seeds++;
                if (!run_seed(current_seed, options.hours, options.verbose, &tally, &failure)) {
                        tally.n_failed++;
                        report(current_seed, &options, &failure);
                }
        }

        tally_print(&tally);
        if (tally.n_seeds >= SEEDS_FOR_FLOORS && tally.n_failed == 0)
                n_missing = tally_floors(&tally);
        printf("simulation: %u seeds, %.0f hours, %u failed\n", tally.n_seeds, tally.hours,
               tally.n_failed);
        return tally.n_failed > 0 || n_missing > 0 ? 1 : 0;
}
