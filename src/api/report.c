/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "api/report.h"

#include <stdio.h>
#include <string.h>

#include "api/complaint.h"
#include "api/ending.h"

/* Longer than anybody waits; what the core makes of it is its own business. */
#define RETRY_AFTER_MAX_SEC (366 * 24 * 3600)

static const struct {
        unsigned status;
        const char *text;
} statuses[] = {
        { 301, "Moved Permanently" },  { 302, "Found" },
        { 303, "See Other" },          { 304, "Not Modified" },
        { 307, "Temporary Redirect" }, { 308, "Permanent Redirect" },
        { 400, "Bad Request" },        { 401, "Unauthorized" },
        { 403, "Forbidden" },          { 404, "Not Found" },
        { 405, "Method Not Allowed" }, { 407, "Proxy Authentication Required" },
        { 408, "Request Timeout" },    { 409, "Conflict" },
        { 413, "Content Too Large" },  { 425, "Too Early" },
        { 429, "Too Many Requests" },  { 500, "Internal Server Error" },
        { 502, "Bad Gateway" },        { 503, "Service Unavailable" },
        { 504, "Gateway Timeout" },
};

static const char *status_text(unsigned status) {
        for (size_t i = 0; i < ELEMENTSOF(statuses); i++)
                if (statuses[i].status == status)
                        return statuses[i].text;
        return "an unusual status";
}

/* The last value of a header of the answer, NULL: there is none. */
static const char *header_find(CURL *easy, const char *name) {
        struct curl_header *header;

        if (curl_easy_header(easy, name, 0, CURLH_HEADER, -1, &header) != CURLHE_OK)
                return NULL;
        return header->value;
}

/* More seconds than may fit in 63 bits: curl makes 0 of what does not. */
static bool is_huge(const char *number) {
        size_t n_digits = strspn(number, "0123456789");

        return number[n_digits] == '\0' && n_digits - strspn(number, "0") > 18;
}

static usec_t retry_after_usec(CURL *easy) {
        const char *value = header_find(easy, "Retry-After");
        curl_off_t seconds = 0;

        if (value && is_huge(value))
                return RETRY_AFTER_MAX_SEC * USEC_PER_SEC;
        /* Seconds or a date; before 8.12 negative where the date is in the past. */
        curl_easy_getinfo(easy, CURLINFO_RETRY_AFTER, &seconds);
        if (seconds < 0)
                return 0;
        return usec_min((usec_t)seconds, RETRY_AFTER_MAX_SEC) * USEC_PER_SEC;
}

/* Takes a stranger's text unless it is empty, or tells what nobody may read. */
static bool report_say(Report *report, const Exchange *exchange, const char *text) {
        if (!text || origin_is_told_by(exchange->origin, text))
                return false;
        line_set(&report->message, text);
        return report->message.text[0];
}

static void report_say_status(Report *report, const Exchange *exchange, unsigned status) {
        const char *location = header_find(exchange->easy, "Location");
        char text[LINE_MAX_BYTES + 64];

        if (location && status / 100 == 3 && !origin_is_told_by(exchange->origin, location))
                snprintf(text, sizeof(text), "HTTP %u %s, to %s", status, status_text(status),
                         location);
        else
                snprintf(text, sizeof(text), "HTTP %u %s", status, status_text(status));
        line_set(&report->message, text);
}

static void report_say_failure(Report *report, const Exchange *exchange, CURLcode code) {
        if (exchange->is_repeated)
                line_set(&report->message, "The connection was closed before an answer came");
        else if (code == CURLE_OK)
                line_set(&report->message, "The connection was closed in the middle of an answer");
        else if (!report_say(report, exchange, exchange->error))
                line_set(&report->message, curl_easy_strerror(code));
}

static void report_say_misunderstood(Report *report, const Exchange *exchange) {
        char text[LINE_MAX_BYTES];

        snprintf(text, sizeof(text), "HTTP %u, but the answer to %s %s", report->answer.status,
                 operation_name(exchange->question.operation),
                 exchange->is_cut ? "is too long" : "cannot be understood");
        line_set(&report->message, text);
}

static void report_set_request_id(Report *report, const Exchange *exchange, const char *text) {
        if (!text)
                text = header_find(exchange->easy, "x-amzn-requestid");
        if (text && !origin_is_told_by(exchange->origin, text))
                line_set(&report->request_id, text);
}

static void report_fill_refused(Report *report, const Exchange *exchange, Ending *ending) {
        Complaint complaint = { 0 };

        if (!exchange->is_cut)
                complaint_read(&complaint, buffer_text(&exchange->answer), exchange->answer.n);
        ending->understood = complaint.is_own;
        if (ending->status / 100 == 3 || !report_say(report, exchange, complaint.message))
                report_say_status(report, exchange, ending->status);
        report_set_request_id(report, exchange, complaint.request_id);
        report->answer.foreign = !complaint.message && !report->request_id.text[0];
        complaint_deinit(&complaint);
}

static void report_fill_good(Report *report, const Exchange *exchange, Ending *ending) {
        size_t n = exchange->is_cut ? 0 : exchange->answer.n;
        const char *text = n > 0 ? exchange->answer.data : "";

        ending->understood =
                reader_read(&report->reading, &exchange->question, ending->status, text, n) > 0;
        if (!ending->understood)
                report_say_misunderstood(report, exchange);
        report_set_request_id(report, exchange, NULL);
}

static Ending exchange_ending(const Exchange *exchange, CURLcode code) {
        Ending ending = { .sent = exchange_is_sent(exchange) };
        long status = 0;

        if (!ending.sent)
                return ending;
        ending.whole = (code == CURLE_OK && exchange->is_head_whole) || exchange->is_cut;
        curl_easy_getinfo(exchange->easy, CURLINFO_RESPONSE_CODE, &status);
        ending.status = (unsigned)status;
        ending.has_retry_after = header_find(exchange->easy, "Retry-After");
        return ending;
}

void report_fill(Report *report, const Exchange *exchange, CURLcode code) {
        Ending ending = exchange_ending(exchange, code);
        Answer *answer = &report->answer;

        *report = (Report){ 0 };
        answer->serial = exchange->serial;
        answer->status = ending.status;
        if (!ending.whole)
                report_say_failure(report, exchange, code);
        else if (ending.status / 100 == 2)
                report_fill_good(report, exchange, &ending);
        else
                report_fill_refused(report, exchange, &ending);

        answer->outcome = ending_sort(&ending);
        if (answer->outcome == API_THROTTLED && ending.has_retry_after) {
                answer->has_retry_after = true;
                answer->retry_after_usec = retry_after_usec(exchange->easy);
        }
        answer->message = report->message.text;
        answer->request_id = report->request_id.text;
        answer->id = report->reading.id;
        answer->tag = report->reading.tag;
        answer->token = report->reading.token;
        answer->sightings = report->reading.sightings;
        answer->n_sightings = report->reading.n_sightings;
        answer->has_members = report->reading.has_members;
}

void report_deinit(Report *report) {
        reading_deinit(&report->reading);
        *report = (Report){ 0 };
}
