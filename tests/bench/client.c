/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * bench-client SERVICE PID WHAT CALLS OUTSTANDING FIRST LAST
 *
 * Calls SERVICE on the bus that the environment names, so many calls at one time, about the
 * sessions with the numbers FIRST to LAST in an order that jumps about. WHAT: get-session, get-all,
 * list (pages of 100), create, delete (participants, from FIRST on; changes are not waited for).
 * Prints one line of JSON; the CPU time is that of the process PID.
 */

#include <stdlib.h>
#include <string.h>
#include <systemd/sd-bus.h>
#include <time.h>

#include "bench/shape.h"
#include "proto/names.h"

#define WARM_UP 500U

typedef struct Client {
        sd_bus *bus;
        const char *service, *what;
        clockid_t cpu;
        unsigned n_calls, n_sent, n_done;
        uint64_t first, n_sessions, seed;
        double *latencies;    /* microseconds */
        double begin, cpu_at; /* when the warm-up was over */
} Client;

typedef struct Sent {
        Client *client;
        double at;
} Sent;

static double seconds(clockid_t clock) {
        struct timespec now;

        if (clock_gettime(clock, &now) < 0)
                exit(EXIT_FAILURE);
        return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void check(const char *what, int r) {
        if (r >= 0)
                return;
        (void)fprintf(stderr, "bench-client: %s: %s\n", what, strerror(-r));
        exit(EXIT_FAILURE);
}

/* Deletes a participant that was not deleted yet. */
static int message_make_delete(Client *client, sd_bus_message **ret) {
        char path[64];
        int r;

        (void)snprintf(path, sizeof(path), CONVENED_PATH_PARTICIPANT "/%llu",
                       (unsigned long long)(client->first + client->n_sent - 1));
        r = sd_bus_message_new_method_call(client->bus, ret, client->service, path,
                                           CONVENED_PARTICIPANT, "Delete");
        return r < 0 ? r : sd_bus_message_append(*ret, "a{sv}", 1, "Wait", "b", 0);
}

static int message_make(Client *client, sd_bus_message **ret) {
        uint64_t number = client->first + (client->seed >> 33) % client->n_sessions;
        char text[SHAPE_ID_SIZE + 64];
        const char *member;
        int r;

        client->seed = client->seed * 6364136223846793005U + 1442695040888963407U;
        if (strcmp(client->what, "delete") == 0)
                return message_make_delete(client, ret);
        if (strcmp(client->what, "get-all") == 0) {
                (void)snprintf(text, sizeof(text), CONVENED_PATH_SESSION "/%llu",
                               (unsigned long long)number);
                r = sd_bus_message_new_method_call(client->bus, ret, client->service, text,
                                                   "org.freedesktop.DBus.Properties", "GetAll");
                return r < 0 ? r : sd_bus_message_append(*ret, "s", CONVENED_SESSION);
        }

        member = strcmp(client->what, "list") == 0     ? "ListSessions"
                 : strcmp(client->what, "create") == 0 ? "CreateSession"
                                                       : "GetSession";
        r = sd_bus_message_new_method_call(client->bus, ret, client->service, CONVENED_PATH,
                                           CONVENED_MANAGER, member);
        if (r < 0)
                return r;
        if (strcmp(client->what, "list") == 0)
                return sd_bus_message_append(*ret, "a{sv}tu", 0, number - 1, 100);
        if (strcmp(client->what, "create") == 0)
                return sd_bus_message_append(*ret, "a{sv}", 1, "Wait", "b", 0);
        return sd_bus_message_append(*ret, "s", shape_id(text, 's', number));
}

static int on_reply(sd_bus_message *reply, void *userdata, sd_bus_error *error);

static void client_send(Client *client) {
        sd_bus_message *message = NULL;
        Sent *sent = malloc(sizeof(*sent));

        if (!sent)
                exit(EXIT_FAILURE);
        client->n_sent++;
        check("message", message_make(client, &message));
        *sent = (Sent){ client, seconds(CLOCK_MONOTONIC) };
        check("call", sd_bus_call_async(client->bus, NULL, message, on_reply, sent, 0));
        sd_bus_message_unref(message);
}

static int on_reply(sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        Sent *sent = userdata;
        Client *client = sent->client;
        double now = seconds(CLOCK_MONOTONIC);

        (void)error;
        if (sd_bus_message_is_method_error(reply, NULL)) {
                (void)fprintf(stderr, "bench-client: %s\n",
                              sd_bus_message_get_error(reply)->message);
                exit(EXIT_FAILURE);
        }
        if (client->n_done >= WARM_UP)
                client->latencies[client->n_done - WARM_UP] = (now - sent->at) * 1e6;
        free(sent);
        if (++client->n_done == WARM_UP) {
                client->begin = now;
                client->cpu_at = seconds(client->cpu);
        }
        if (client->n_sent < client->n_calls)
                client_send(client);
        return 0;
}

static int compare(const void *a, const void *b) {
        const double *x = a, *y = b;

        return (*x > *y) - (*x < *y);
}

static void client_print(Client *client) {
        double time = seconds(CLOCK_MONOTONIC) - client->begin;
        double cpu = seconds(client->cpu) - client->cpu_at;
        unsigned n = client->n_calls - WARM_UP;

        qsort(client->latencies, n, sizeof(double), compare);
        printf("{\"calls\": %u, \"rate\": %.1f, \"p50_usec\": %.2f, \"p99_usec\": %.2f, "
               "\"cpu_usec\": %.4f}\n",
               n, n / time, client->latencies[n / 2], client->latencies[n * 99 / 100],
               cpu * 1e6 / n);
}

int main(int argc, char *argv[]) {
        Client client = { .seed = 1 };
        unsigned n_outstanding;
        int r;

        if (argc != 8)
                return EXIT_FAILURE;
        client.service = argv[1];
        client.what = argv[3];
        client.n_calls = WARM_UP + (unsigned)strtoul(argv[4], NULL, 10);
        n_outstanding = (unsigned)strtoul(argv[5], NULL, 10);
        client.first = strtoull(argv[6], NULL, 10);
        client.n_sessions = strtoull(argv[7], NULL, 10) - client.first + 1;
        client.latencies = calloc(client.n_calls, sizeof(double));
        if (!client.latencies || clock_getcpuclockid(atoi(argv[2]), &client.cpu) != 0)
                return EXIT_FAILURE;

        check("bus", sd_bus_open_system(&client.bus));
        while (client.n_sent < n_outstanding)
                client_send(&client);
        while (client.n_done < client.n_calls) {
                r = sd_bus_process(client.bus, NULL);
                check("process", r);
                if (r == 0)
                        check("wait", sd_bus_wait(client.bus, UINT64_MAX));
        }
        client_print(&client);
        free(client.latencies);
        sd_bus_flush_close_unref(client.bus);
        return EXIT_SUCCESS;
}
