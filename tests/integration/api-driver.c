/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The API's room alone, for tests in another language. A line on standard input is a request, a
 * line on standard output its answer, both in JSON:
 *
 *     {"serial":7,"operation":"addParticipantToSession","session":"S","participant":"P",
 *      "mode":"participants","publishers":[{"id":"Q","aliases":["mic"]}]}
 *     {"serial":7,"outcome":"ok","status":204,"message":"",...}
 *
 * A line with "base_url" is another configuration. At the end of the input it waits for the answers
 * that are missing, and ends.
 */

#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <sys/epoll.h>

#include "api/api.h"
#include "base/text.h"

#define LINE_SIZE 65536

static const char *const outcomes[_API_OUTCOME_MAX] = {
        [API_OK] = "ok",
        [API_NOT_SENT] = "not-sent",
        [API_NO_ANSWER] = "no-answer",
        [API_NOT_UNDERSTOOD] = "not-understood",
        [API_THROTTLED] = "throttled",
        [API_BROKEN] = "broken",
        [API_REFUSED] = "refused",
        [API_UNAUTHORIZED] = "unauthorized",
        [API_FORBIDDEN] = "forbidden",
        [API_NOT_FOUND] = "not-found",
        [API_CONFLICT] = "conflict",
        [API_REDIRECTED] = "redirected",
};

static const char *const modes[_MODE_MAX] = {
        [MODE_NONE] = "none",
        [MODE_SESSION] = "session",
        [MODE_PARTICIPANTS] = "participants",
};

typedef struct Driver {
        sd_event *event;
        Api *api;
        unsigned n_in_flight;
        bool at_end;
        char input[LINE_SIZE];
        size_t n_input;
} Driver;

static _Noreturn void die(const char *what) {
        fprintf(stderr, "api-driver: %s\n", what);
        exit(1);
}

static void driver_end_if_done(Driver *driver) {
        if (driver->at_end && driver->n_in_flight == 0)
                sd_event_exit(driver->event, 0);
}

static const char *field_text(json_object *line, const char *key) {
        json_object *value = NULL;

        json_object_object_get_ex(line, key, &value);
        return value ? json_object_get_string(value) : NULL;
}

static uint64_t field_number(json_object *line, const char *key, uint64_t otherwise) {
        json_object *value = NULL;

        json_object_object_get_ex(line, key, &value);
        return value ? json_object_get_uint64(value) : otherwise;
}

static json_object *publishers_write(const Publisher *publishers, size_t n) {
        json_object *list = json_object_new_array();

        for (size_t i = 0; i < n; i++) {
                json_object *entry = json_object_new_object(), *aliases = json_object_new_array();

                for (size_t j = 0; j < publishers[i].n_aliases; j++)
                        json_object_array_add(aliases,
                                              json_object_new_string(publishers[i].aliases[j]));
                json_object_object_add(entry, "id", json_object_new_string(publishers[i].id.text));
                json_object_object_add(entry, "aliases", aliases);
                json_object_array_add(list, entry);
        }
        return list;
}

static json_object *sighting_write(const Sighting *sighting) {
        json_object *entry = json_object_new_object();

        json_object_object_add(entry, "id", json_object_new_string(sighting->id.text));
        json_object_object_add(entry, "session", json_object_new_string(sighting->session.text));
        json_object_object_add(entry, "mode", json_object_new_string(modes[sighting->mode]));
        json_object_object_add(entry, "publishers",
                               publishers_write(sighting->publishers, sighting->n_publishers));
        return entry;
}

static void line_print(json_object *line) {
        puts(json_object_to_json_string_ext(line, JSON_C_TO_STRING_PLAIN));
        fflush(stdout);
        json_object_put(line);
}

static void driver_on_answer(const Answer *answer, void *userdata) {
        Driver *driver = userdata;
        json_object *line = json_object_new_object(), *sightings = json_object_new_array();

        for (size_t i = 0; i < answer->n_sightings; i++)
                json_object_array_add(sightings, sighting_write(answer->sightings + i));
        json_object_object_add(line, "serial", json_object_new_uint64(answer->serial));
        json_object_object_add(line, "outcome", json_object_new_string(outcomes[answer->outcome]));
        json_object_object_add(line, "status", json_object_new_int64(answer->status));
        json_object_object_add(line, "message", json_object_new_string(answer->message));
        json_object_object_add(line, "request_id", json_object_new_string(answer->request_id));
        json_object_object_add(line, "id", json_object_new_string(answer->id.text));
        json_object_object_add(line, "token",
                               answer->token ? json_object_new_string(answer->token) : NULL);
        json_object_object_add(
                line, "retry_after_usec",
                answer->has_retry_after ? json_object_new_uint64(answer->retry_after_usec) : NULL);
        json_object_object_add(line, "sightings", sightings);
        line_print(line);
        driver->n_in_flight--;
        driver_end_if_done(driver);
}

static void publishers_take(Request *request, json_object *list) {
        size_t n = json_object_array_length(list);

        request->publishers = calloc(n + 1, sizeof(*request->publishers));
        for (size_t i = 0; i < n; i++) {
                json_object *entry = json_object_array_get_idx(list, i), *aliases = NULL;
                Publisher *publisher = &request->publishers[request->n_publishers++];

                if (!api_id_set(&publisher->id, field_text(entry, "id")))
                        die("a publisher without an id");
                json_object_object_get_ex(entry, "aliases", &aliases);
                publisher->n_aliases = aliases ? json_object_array_length(aliases) : 0;
                publisher->aliases = calloc(publisher->n_aliases + 1, sizeof(char *));
                for (size_t j = 0; j < publisher->n_aliases; j++)
                        publisher->aliases[j] = strdup(
                                json_object_get_string(json_object_array_get_idx(aliases, j)));
        }
}

static void spec_take(Request *request, json_object *line) {
        const char *tag = field_text(line, "tag"), *url = field_text(line, "callback_url");
        const char *version = field_text(line, "device_api_version");
        Spec *spec;

        if (spec_new(&spec) < 0 || spec_set_text(&spec, SPEC_TAG, tag ? tag : "") < 0 ||
            spec_set_text(&spec, SPEC_CALLBACK_URL, url ? url : "") < 0 ||
            spec_set_text(&spec, SPEC_DEVICE_API_VERSION, version ? version : "") < 0)
                die("no memory");
        spec->permissions = (unsigned)field_number(line, "permissions", 0);
        request->spec = spec;
}

static Operation operation_find(const char *name) {
        for (Operation operation = 0; name && operation < _OPERATION_MAX; operation++)
                if (streq(operation_name(operation), name))
                        return operation;
        die("no such operation");
}

static Mode mode_find(const char *name) {
        for (Mode mode = 0; name && mode < _MODE_MAX; mode++)
                if (streq(modes[mode], name))
                        return mode;
        return MODE_NONE;
}

static void driver_send(Driver *driver, json_object *line) {
        const char *session = field_text(line, "session"), *id = field_text(line, "participant");
        Request request = { .serial = field_number(line, "serial", 0),
                            .operation = operation_find(field_text(line, "operation")),
                            .mode = mode_find(field_text(line, "mode")) };
        json_object *publishers = NULL, *refusal;
        int r;

        if ((session && !api_id_set(&request.session, session)) ||
            (id && !api_id_set(&request.participant, id)))
                die("an id that is none");
        if (json_object_object_get_ex(line, "publishers", &publishers))
                publishers_take(&request, publishers);
        if (operation_is_create(request.operation))
                spec_take(&request, line);

        r = api_send(driver->api, &request);
        request_deinit(&request);
        if (r >= 0) {
                driver->n_in_flight++;
                return;
        }
        refusal = json_object_new_object();
        json_object_object_add(refusal, "error", json_object_new_string(strerrorname_np(-r)));
        line_print(refusal);
}

static void driver_configure(Driver *driver, json_object *line) {
        ApiConfig config = {
                .base_url = field_text(line, "base_url"),
                .account_id = field_text(line, "account"),
                .user = field_text(line, "user"),
                .password = field_text(line, "password"),
                .ca_file = field_text(line, "ca_file"),
                .proxy = field_text(line, "proxy"),
                .connect_timeout_usec =
                        field_number(line, "connect_timeout_usec", 5 * USEC_PER_SEC),
                .request_timeout_usec =
                        field_number(line, "request_timeout_usec", 20 * USEC_PER_SEC),
                .connections_max = (unsigned)field_number(line, "connections_max", 16),
        };
        int r;

        if (driver->api)
                r = api_configure(driver->api, &config);
        else
                r = api_new(&driver->api, driver->event, &config, driver_on_answer, driver);
        if (r < 0)
                die("a configuration that can't be used");
}

static void driver_take_line(Driver *driver, const char *text) {
        json_object *line = json_tokener_parse(text), *value;

        if (!line)
                die("a line that is no JSON");
        if (json_object_object_get_ex(line, "base_url", &value))
                driver_configure(driver, line);
        else if (driver->api)
                driver_send(driver, line);
        else
                die("a request before the first configuration");
        json_object_put(line);
}

static int driver_on_input(sd_event_source *source, int fd, uint32_t revents, void *userdata) {
        Driver *driver = userdata;
        ssize_t n = read(fd, driver->input + driver->n_input, LINE_SIZE - 1 - driver->n_input);
        char *line = driver->input, *end;

        (void)revents;
        if (n <= 0) {
                driver->at_end = true;
                sd_event_source_set_enabled(source, SD_EVENT_OFF);
                driver_end_if_done(driver);
                return 0;
        }
        driver->n_input += (size_t)n;
        driver->input[driver->n_input] = 0;
        while ((end = strchr(line, '\n'))) {
                *end = 0;
                driver_take_line(driver, line);
                line = end + 1;
        }
        driver->n_input = strlen(line);
        memmove(driver->input, line, driver->n_input + 1);
        if (driver->n_input == LINE_SIZE - 1)
                die("a line that is too long");
        return 0;
}

int main(void) {
        static Driver driver;
        int r;

        if (sd_event_new(&driver.event) < 0 ||
            sd_event_add_io(driver.event, NULL, STDIN_FILENO, EPOLLIN, driver_on_input, &driver) <
                    0)
                die("no event loop");
        r = sd_event_loop(driver.event);
        api_free(driver.api);
        sd_event_unref(driver.event);
        return r < 0;
}
