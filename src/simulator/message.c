/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "simulator/message.h"

#include "base/cleanup.h"

/* The words of API Gateway for what it answers by itself, and ours for what the API answers. */
static const struct {
        unsigned status;
        bool from_api;
        const char *error_type, *text;
} errors[] = {
        { 400, true, "BadRequestException", "Bad request" },
        { 401, false, "UnauthorizedException", "Unauthorized" },
        { 403, false, "MissingAuthenticationTokenException", "Missing Authentication Token" },
        { 404, true, "NotFoundException", "Not found" },
        { 409, true, "ConflictException", "Conflict" },
        { 413, false, "RequestTooLargeException", "Request Too Long" },
        { 429, false, "TooManyRequestsException", "Too Many Requests" },
        { 500, true, "InternalServerErrorException", "Internal error" },
        { 502, false, "InternalServerErrorException", "Internal server error" },
        { 503, false, "ServiceUnavailableException", "Service Unavailable" },
        { 504, false, "InternalServerErrorException", "Endpoint request timed out" },
        { 0, false, NULL, "Error" },
};

void answer_deinit(Answer *answer) {
        buffer_deinit(&answer->body);
}

void answer_fail(Answer *answer, unsigned status, const char *text) {
        size_t i = 0;

        while (errors[i].status != status && errors[i].status != 0)
                i++;

        answer->status = status;
        answer->error_type = errors[i].error_type;
        buffer_deinit(&answer->body);
        buffer_add_text(&answer->body, errors[i].from_api ? "{\"error\":" : "{\"message\":");
        buffer_add_json_text(&answer->body, text ? text : errors[i].text);
        if (errors[i].from_api)
                buffer_printf(&answer->body, ",\"requestId\":\"%s\"", answer->request_id);
        buffer_add(&answer->body, "}", 1);
}
