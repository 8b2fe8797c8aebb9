/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "simulator/fault.h"

#include <fnmatch.h>
#include <stdio.h>

#include "base/text.h"

#define GARBAGE "<html><body><h1>It works!</h1></body></html>\n"

static const struct {
        const char *name;
        bool effect;
} kinds[_FAULT_KIND_MAX] = {
        [FAULT_STATUS] = { "status", false },     [FAULT_REFUSE] = { "refuse", false },
        [FAULT_RESET] = { "reset", false },       [FAULT_HANG] = { "hang", false },
        [FAULT_REDIRECT] = { "redirect", false }, [FAULT_DROP] = { "drop", true },
        [FAULT_TRUNCATE] = { "truncate", true },  [FAULT_GARBAGE] = { "garbage", true },
        [FAULT_SLOW] = { "slow", true },          [FAULT_HUGE] = { "huge", true },
        [FAULT_LATENCY] = { "latency", true },    [FAULT_CHUNKED] = { "chunked", true },
        [FAULT_CLOSE] = { "close", true },
};

const char *fault_name(FaultKind kind) {
        return kinds[kind].name;
}

Fault *fault_ref(Fault *fault) {
        fault->n_refs++;
        return fault;
}

Fault *fault_unref(Fault *fault) {
        if (!fault || --fault->n_refs > 0)
                return NULL;

        json_object_put(fault->headers);
        free(fault->retry_after);
        free(fault->location);
        free(fault->body);
        free(fault->path);
        free(fault->method);
        free(fault);
        return NULL;
}

void faults_deinit(Faults *faults) {
        for (size_t i = 0; i < faults->n_rules; i++)
                fault_unref(faults->rules[i]);
        free(faults->rules);
        *faults = (Faults){ 0 };
}

static bool take_text(JsonObject *value, char **ret) {
        const char *text = json_text(value);

        *ret = text ? strdup(text) : NULL;
        return *ret;
}

static bool take_number(JsonObject *value, uint64_t *ret) {
        if (!json_object_is_type(value, json_type_int) || json_object_get_int64(value) < 0)
                return false;

        *ret = json_object_get_uint64(value);
        return true;
}

static bool take_method(JsonObject *value, Fault *fault) {
        return take_text(value, &fault->method);
}

static bool take_path(JsonObject *value, Fault *fault) {
        return take_text(value, &fault->path) && (fault->path[0] == '/' || fault->path[0] == '*');
}

static bool take_kind(JsonObject *value, Fault *fault) {
        const char *name = json_text(value);

        for (FaultKind kind = 0; name && kind < _FAULT_KIND_MAX; kind++)
                if (streq(name, kinds[kind].name)) {
                        fault->kind = kind;
                        return true;
                }
        return false;
}

static bool take_after(JsonObject *value, Fault *fault) {
        return take_number(value, &fault->after);
}

static bool take_count(JsonObject *value, Fault *fault) {
        fault->limited = true;
        return take_number(value, &fault->count);
}

static bool take_probability(JsonObject *value, Fault *fault) {
        if (!json_object_is_type(value, json_type_double) &&
            !json_object_is_type(value, json_type_int))
                return false;

        fault->probability = json_object_get_double(value);
        return fault->probability >= 0 && fault->probability <= 1;
}

static bool take_effect(JsonObject *value, Fault *fault) {
        fault->effect = json_object_get_boolean(value);
        return json_object_is_type(value, json_type_boolean);
}

static bool take_status(JsonObject *value, Fault *fault) {
        uint64_t status;

        if (!take_number(value, &status) || status < 200 || status > 999)
                return false;

        fault->status = (unsigned)status;
        return true;
}

/* What libmicrohttpd would send as the value of a header; all else it leaves out in silence. */
static bool is_field_value(const char *text) {
        return *text && !text_has_controls(text);
}

/* RFC 9110, 5.1: a token. */
static bool is_field_name(const char *text) {
        size_t n = strspn(text, "!#$%&'*+-.^_`|~0123456789"
                                "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");

        return n > 0 && !text[n];
}

static bool take_retry_after(JsonObject *value, Fault *fault) {
        uint64_t seconds;
        char text[24];

        if (!take_number(value, &seconds))
                return take_text(value, &fault->retry_after) && is_field_value(fault->retry_after);

        snprintf(text, sizeof(text), "%llu", (unsigned long long)seconds);
        fault->retry_after = strdup(text);
        return fault->retry_after;
}

static bool take_headers(JsonObject *value, Fault *fault) {
        if (!json_object_is_type(value, json_type_object))
                return false;

        json_object_object_foreach(value, name, text)
                if (!is_field_name(name) || !json_text(text) || !is_field_value(json_text(text)))
                        return false;
        fault->headers = json_object_get(value);
        return true;
}

/* A string goes out as it is; anything else as JSON. */
static bool take_body(JsonObject *value, Fault *fault) {
        if (json_object_is_type(value, json_type_string))
                return take_text(value, &fault->body);

        fault->body = strdup(json_object_to_json_string_ext(value, JSON_C_TO_STRING_PLAIN));
        return fault->body;
}

static bool take_location(JsonObject *value, Fault *fault) {
        return take_text(value, &fault->location) && is_field_value(fault->location);
}

static bool take_ms(JsonObject *value, Fault *fault) {
        fault->timed = true;
        return take_number(value, &fault->ms);
}

static bool take_bytes(JsonObject *value, Fault *fault) {
        return take_number(value, &fault->bytes) && fault->bytes > 0;
}

static bool take_bytes_per_s(JsonObject *value, Fault *fault) {
        return take_number(value, &fault->bytes_per_s) && fault->bytes_per_s > 0;
}

static const struct {
        const char *name;
        bool (*take)(JsonObject *value, Fault *fault);
        const char *problem;
} fields[] = {
        { "method", take_method, "method must be a string" },
        { "path", take_path, "path must be a glob that begins with / or *" },
        { "kind", take_kind, "kind must be the name of one" },
        { "after", take_after, "after must be a number of requests" },
        { "count", take_count, "count must be a number of requests" },
        { "probability", take_probability, "probability must be from 0 to 1" },
        { "effect", take_effect, "effect must be true or false" },
        { "status", take_status, "status must be from 200 to 999" },
        { "retry_after", take_retry_after,
          "retry_after must be seconds or a text that a header can have" },
        { "headers", take_headers, "headers must be an object of texts that headers can have" },
        { "body", take_body, "body cannot be used" },
        { "location", take_location, "location must be a text that a header can have" },
        { "ms", take_ms, "ms must be a number of milliseconds" },
        { "bytes", take_bytes, "bytes must be a number above 0" },
        { "bytes_per_s", take_bytes_per_s, "bytes_per_s must be a number above 0" },
};

static const char *take_fields(JsonObject *json, Fault *fault) {
        size_t n_known = 0;

        for (size_t i = 0; i < ELEMENTSOF(fields); i++) {
                JsonObject *value;

                if (!json_object_object_get_ex(json, fields[i].name, &value))
                        continue;
                n_known++;
                if (!fields[i].take(value, fault))
                        return fields[i].problem;
        }
        return n_known == (size_t)json_object_object_length(json) ? NULL
                                                                  : "a rule has an unknown key";
}

/* What a kind cannot do without. */
static const char *check_needs(const Fault *fault) {
        switch (fault->kind) {
        case FAULT_STATUS:
                return fault->status ? NULL : "status needs a status";
        case FAULT_REDIRECT:
                return fault->location ? NULL : "redirect needs a location";
        case FAULT_SLOW:
                return fault->bytes_per_s ? NULL : "slow needs bytes_per_s";
        case FAULT_HUGE:
                return fault->bytes ? NULL : "huge needs bytes";
        case FAULT_LATENCY:
                return fault->timed ? NULL : "latency needs ms";
        case FAULT_REFUSE:
        case FAULT_RESET:
        case FAULT_HANG:
        case FAULT_DROP:
        case FAULT_TRUNCATE:
        case FAULT_GARBAGE:
        case FAULT_CHUNKED:
        case FAULT_CLOSE:
        case _FAULT_KIND_MAX:
                break;
        }
        return NULL;
}

static const char *read_rule(JsonObject *json, Fault *fault) {
        JsonObject *value;
        const char *problem;

        if (!json_object_is_type(json, json_type_object))
                return "a rule must be an object";
        if (!json_object_object_get_ex(json, "kind", &value) || !take_kind(value, fault))
                return "a rule must have a kind that exists";

        fault->effect = kinds[fault->kind].effect;
        fault->probability = 1;
        problem = take_fields(json, fault);
        return problem ? problem : check_needs(fault);
}

static const char *read_rules(JsonObject *array, Faults *ret) {
        size_t n = json_object_array_length(array);

        ret->rules = calloc(n + 1, sizeof(Fault *));
        if (!ret->rules)
                return "out of memory";

        for (size_t i = 0; i < n; i++) {
                Fault *fault = calloc(1, sizeof(*fault));
                const char *problem;

                if (!fault)
                        return "out of memory";
                ret->rules[ret->n_rules++] = fault_ref(fault);
                problem = read_rule(json_object_array_get_idx(array, i), fault);
                if (problem)
                        return problem;
        }
        return NULL;
}

const char *faults_read(Faults *faults, const char *text, size_t n) {
        CLEANUP(json_unrefp) JsonObject *json = NULL;
        CLEANUP(faults_deinit) Faults new = { 0 };
        JsonObject *rules;
        const char *problem;

        if (!json_read(text, n, &json))
                return "not JSON";
        if (!json || !json_object_is_type(json, json_type_object) ||
            !json_object_object_get_ex(json, "rules", &rules) ||
            !json_object_is_type(rules, json_type_array) || json_object_object_length(json) != 1)
                return "must be an object with an array of rules, and nothing else";

        problem = read_rules(rules, &new);
        if (problem)
                return problem;

        faults_deinit(faults);
        *faults = new;
        new = (Faults){ 0 };
        return NULL;
}

static bool matches(const char *glob, const char *text) {
        return !glob || fnmatch(glob, text, 0) == 0;
}

Fault *faults_meet(Faults *faults, const char *method, const char *path, Random *random) {
        for (size_t i = 0; i < faults->n_rules; i++) {
                Fault *fault = faults->rules[i];

                if (!matches(fault->method, method) || !matches(fault->path, path))
                        continue;
                if (fault->n_matched++ < fault->after)
                        continue;
                if (fault->limited && fault->n_met >= fault->count)
                        continue;
                if (fault->probability < 1 && random_unit(random) >= fault->probability)
                        continue;
                fault->n_met++;
                return fault;
        }
        return NULL;
}

static void set_body(Answer *answer, const char *text) {
        buffer_deinit(&answer->body);
        buffer_add_text(&answer->body, text);
}

void fault_shape(const Fault *fault, Answer *answer) {
        switch (fault->kind) {
        case FAULT_STATUS:
        case FAULT_REDIRECT:
                answer->error_type = NULL;
                if (fault->status >= 400)
                        answer_fail(answer, fault->status, NULL);
                else
                        buffer_deinit(&answer->body);
                answer->status = fault->status ? fault->status : 302;
                if (fault->body)
                        set_body(answer, fault->body);
                break;
        case FAULT_GARBAGE:
                answer->status = 200;
                answer->error_type = NULL;
                set_body(answer, GARBAGE);
                break;
        case FAULT_HUGE:
                if (!answer->body.text)
                        set_body(answer, "{}");
                if (answer->status == 204)
                        answer->status = 200;
                break;
        case FAULT_REFUSE:
        case FAULT_RESET:
        case FAULT_HANG:
        case FAULT_DROP:
        case FAULT_TRUNCATE:
        case FAULT_SLOW:
        case FAULT_LATENCY:
        case FAULT_CHUNKED:
        case FAULT_CLOSE:
        case _FAULT_KIND_MAX:
                break;
        }
}
