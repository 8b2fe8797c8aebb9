/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * bench-curl-loop CONCURRENCY USER:PASSWORD CAFILE|- < URLs, one a line
 *
 * The yardstick of reconciling: fetches each URL once with libcurl's multi interface, so many at a
 * time, and looks at nothing that comes. Prints one line of JSON.
 */

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef struct Loop {
        CURLM *multi;
        const char *credentials, *ca_file;
        unsigned n_active, n_done, n_bad, n_connects;
        size_t n_bytes;
} Loop;

static double now(clockid_t clock) {
        struct timespec time;

        clock_gettime(clock, &time);
        return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static size_t on_bytes(char *bytes, size_t size, size_t n, void *userdata) {
        Loop *loop = userdata;

        (void)bytes;
        loop->n_bytes += size * n;
        return size * n;
}

/* Points the handle at the next URL. Return: whether there was one. */
static int next(Loop *loop, CURL *easy) {
        char line[1024];

        if (!fgets(line, sizeof(line), stdin))
                return 0;
        line[strcspn(line, "\n")] = 0;
        curl_easy_setopt(easy, CURLOPT_URL, line);
        loop->n_active++;
        return curl_multi_add_handle(loop->multi, easy) == CURLM_OK;
}

static CURL *easy_new(Loop *loop) {
        CURL *easy = curl_easy_init();

        curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_bytes);
        curl_easy_setopt(easy, CURLOPT_WRITEDATA, loop);
        curl_easy_setopt(easy, CURLOPT_USERPWD, loop->credentials);
        curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
        curl_easy_setopt(easy, CURLOPT_PROXY, "");
        curl_easy_setopt(easy, CURLOPT_PIPEWAIT, 1L);
        curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
        if (strcmp(loop->ca_file, "-") != 0)
                curl_easy_setopt(easy, CURLOPT_CAINFO, loop->ca_file);
        return easy;
}

/* Return: whether anything had come to its end. */
static int drain(Loop *loop) {
        CURLMsg *message;
        int left, any = 0;

        while ((message = curl_multi_info_read(loop->multi, &left))) {
                CURL *easy = message->easy_handle;
                long status = 0, n_connects = 0;

                curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
                curl_easy_getinfo(easy, CURLINFO_NUM_CONNECTS, &n_connects);
                any = 1;
                loop->n_active--;
                loop->n_done++;
                loop->n_bad += message->data.result != CURLE_OK || status != 200;
                loop->n_connects += (unsigned)n_connects;
                curl_multi_remove_handle(loop->multi, easy);
                if (!next(loop, easy))
                        curl_easy_cleanup(easy);
        }
        return any;
}

int main(int argc, char *argv[]) {
        Loop loop = { 0 };
        int running;

        if (argc != 4 || curl_global_init(CURL_GLOBAL_DEFAULT) != 0)
                return EXIT_FAILURE;
        loop.credentials = argv[2];
        loop.ca_file = argv[3];
        loop.multi = curl_multi_init();
        curl_multi_setopt(loop.multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, atol(argv[1]));

        double begin = now(CLOCK_MONOTONIC), cpu = now(CLOCK_PROCESS_CPUTIME_ID);

        for (long i = 0; i < atol(argv[1]); i++) {
                CURL *easy = easy_new(&loop);

                if (!next(&loop, easy))
                        curl_easy_cleanup(easy);
        }
        while (loop.n_active > 0) {
                if (curl_multi_perform(loop.multi, &running) != CURLM_OK)
                        return EXIT_FAILURE;
                /* What was begun in here must be driven before anybody waits. */
                if (!drain(&loop) && curl_multi_poll(loop.multi, NULL, 0, 1000, NULL) != CURLM_OK)
                        return EXIT_FAILURE;
        }
        printf("{\"requests\": %u, \"bad\": %u, \"connects\": %u, \"rate\": %.1f, "
               "\"cpu_usec\": %.3f}\n",
               loop.n_done, loop.n_bad, loop.n_connects,
               loop.n_done / (now(CLOCK_MONOTONIC) - begin),
               (now(CLOCK_PROCESS_CPUTIME_ID) - cpu) * 1e6 / loop.n_done);
        curl_multi_cleanup(loop.multi);
        curl_global_cleanup();
        return EXIT_SUCCESS;
}
