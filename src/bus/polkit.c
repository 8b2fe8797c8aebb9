/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bus/polkit.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "base/time.h"

#define AUTHORITY           "org.freedesktop.PolicyKit1"
#define AUTHORITY_PATH      "/org/freedesktop/PolicyKit1/Authority"
#define AUTHORITY_INTERFACE "org.freedesktop.PolicyKit1.Authority"

#define ALLOW_USER_INTERACTION 1U

#define TIMEOUT_USEC             (5 * USEC_PER_SEC)
#define TIMEOUT_INTERACTIVE_USEC (120 * USEC_PER_SEC)

/* "cancel-" and a number, of which polkit wants no two of ours to be equal. */
#define CANCELLATION_SIZE 32

struct PolkitQuestion {
        sd_bus *bus;
        sd_bus_slot *slot; /* NULL once it has been answered */
        PolkitAnswer answer;
        void *userdata;
        bool interactive;
        char cancellation[CANCELLATION_SIZE];
};

static PolkitVerdict verdict_of(sd_bus_message *reply, bool interactive) {
        int authorized, challenge;

        if (sd_bus_message_is_method_error(reply, NULL) ||
            sd_bus_message_has_signature(reply, "(bba{ss})") <= 0 ||
            sd_bus_message_enter_container(reply, 'r', "bba{ss}") < 0 ||
            sd_bus_message_read(reply, "bb", &authorized, &challenge) < 0)
                return POLKIT_NO;
        if (authorized)
                return POLKIT_YES;
        return challenge && !interactive ? POLKIT_CHALLENGE : POLKIT_NO;
}

static void question_cancel(PolkitQuestion *question) {
        (void)sd_bus_call_method_async(question->bus, NULL, AUTHORITY, AUTHORITY_PATH,
                                       AUTHORITY_INTERFACE, "CancelCheckAuthorization", NULL, NULL,
                                       "s", question->cancellation);
}

static int on_reply(sd_bus_message *reply, void *userdata, sd_bus_error *error) {
        PolkitQuestion *question = userdata;

        (void)error;
        /* Whom polkit still asks for a password is asked in vain. */
        if (sd_bus_message_is_method_error(reply, SD_BUS_ERROR_NO_REPLY))
                question_cancel(question);
        question->slot = sd_bus_slot_unref(question->slot);
        question->answer(verdict_of(reply, question->interactive), question->userdata);
        return 0;
}

static int question_append(const PolkitQuestion *question, sd_bus_message *call, const char *name,
                           const char *action) {
        int r;

        r = sd_bus_message_append(call, "(sa{sv})", "system-bus-name", 1, "name", "s", name);
        if (r >= 0)
                r = sd_bus_message_append(call, "s", action);
        if (r >= 0)
                r = sd_bus_message_append(call, "a{ss}", 0);
        return r < 0 ? r
                     : sd_bus_message_append(call, "us",
                                             question->interactive ? ALLOW_USER_INTERACTION : 0,
                                             question->cancellation);
}

static int question_send(PolkitQuestion *question, const char *name, const char *action) {
        sd_bus_message *call = NULL;
        int r;

        r = sd_bus_message_new_method_call(question->bus, &call, AUTHORITY, AUTHORITY_PATH,
                                           AUTHORITY_INTERFACE, "CheckAuthorization");
        if (r >= 0)
                r = question_append(question, call, name, action);
        if (r >= 0)
                r = sd_bus_call_async(question->bus, &question->slot, call, on_reply, question,
                                      question->interactive ? TIMEOUT_INTERACTIVE_USEC
                                                            : TIMEOUT_USEC);
        sd_bus_message_unref(call);
        return r < 0 ? r : 0;
}

int polkit_ask(PolkitQuestion **ret, sd_bus *bus, const PolkitRequest *request, PolkitAnswer answer,
               void *userdata) {
        static uint64_t last;
        CLEANUP(polkit_question_freep) PolkitQuestion *question = calloc(1, sizeof(*question));
        int r;

        if (!question)
                return -ENOMEM;
        question->bus = bus;
        question->answer = answer;
        question->userdata = userdata;
        question->interactive = request->interactive;
        (void)snprintf(question->cancellation, sizeof(question->cancellation), "cancel-%" PRIu64,
                       ++last);
        r = question_send(question, request->name, request->action);
        if (r < 0)
                return r;

        *ret = TAKE(question);
        return 0;
}

PolkitQuestion *polkit_question_free(PolkitQuestion *question) {
        if (!question)
                return NULL;
        if (question->slot)
                question_cancel(question);
        sd_bus_slot_unref(question->slot);
        free(question);
        return NULL;
}
