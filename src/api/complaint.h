/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the API, or a gateway before it, says about a request that it did not carry out. */

#include "api/json.h"

typedef struct Complaint {
        json_object *tree;      /* owns the texts */
        const char *message;    /* NULL: it says nothing */
        const char *request_id; /* NULL: none */
        /* {"error","requestId"}: what the API says of objects, so that a 404 is a real one. A
         * gateway's {"message"} stands for a route that is not there. {"error"} alone is what many
         * a server says of any path, and no header stands in for the id: the gateway puts its own
         * on every answer, on those that are not the API's too. What is kept wrongly is read again;
         * what is dropped wrongly is lost with its token. */
        bool is_own;
} Complaint;

/**
 * complaint_read() - read the body of an answer that is not 2xx
 * @text: text[n] is a NUL; may be anything: empty, HTML, or what only looks like JSON
 *
 * Shapes: {"error","requestId"}, {"message"}, {"Message"}, and that of the first years with
 * {"code","message"}. A message may be a number. The texts are a stranger's, as they came.
 */
void complaint_read(Complaint *ret, const char *text, size_t n);
void complaint_deinit(Complaint *complaint);
