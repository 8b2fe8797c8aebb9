/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "api/complaint.h"

/* The first of these that is there and says something. */
static const char *message_find(json_object *tree) {
        static const char *const keys[] = { "error", "message", "Message", "description", "code" };

        for (size_t i = 0; i < ELEMENTSOF(keys); i++) {
                json_object *value = json_member(tree, keys[i]);
                const char *text = json_text(value);

                if (json_object_is_type(value, json_type_int))
                        text = json_object_get_string(value);
                if (text && *text)
                        return text;
        }
        return NULL;
}

void complaint_read(Complaint *ret, const char *text, size_t n) {
        Complaint complaint = { 0 };

        /* Memory that ran out is no reason to lose the status. */
        if (json_parse(&complaint.tree, text, n, false) > 0) {
                complaint.message = message_find(complaint.tree);
                complaint.request_id = json_text(json_member(complaint.tree, "requestId"));
                complaint.is_own =
                        complaint.request_id && json_text(json_member(complaint.tree, "error"));
        }
        *ret = complaint;
}

void complaint_deinit(Complaint *complaint) {
        json_object_put(complaint->tree);
        *complaint = (Complaint){ 0 };
}
