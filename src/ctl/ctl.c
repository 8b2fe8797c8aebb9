/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ctl/ctl.h"

#include "ctl/agent.h"
#include "ctl/memory.h"
#include "ctl/redact.h"
#include "proto/names.h"

static int bus_open(const Options *options, sd_bus **ret) {
        if (options->host)
                return sd_bus_open_system_remote(ret, options->host);
        if (options->user)
                return sd_bus_open_user_with_description(ret, "convenectl");
        return sd_bus_open_system_with_description(ret, "convenectl");
}

Exit ctl_connect(Ctl *ctl) {
        int r = bus_open(&ctl->options, &ctl->bus);

        return r < 0 ? failure_say_bus(&ctl->options, NULL, r, NULL) : EXIT_DONE;
}

sd_bus_message *ctl_message(Ctl *ctl, const char *path, const char *interface, const char *member) {
        sd_bus_message *call;

        must_bus(sd_bus_message_new_method_call(ctl->bus, &call, CONVENED_BUS_NAME, path, interface,
                                                member));
        if (ctl->no_start)
                must_bus(sd_bus_message_set_auto_start(call, false));
        return call;
}

int ctl_try(Ctl *ctl, sd_bus_message *call, sd_bus_error *error, sd_bus_message **ret) {
        return sd_bus_call(ctl->bus, call, 0, error, ret);
}

Exit ctl_call(Ctl *ctl, sd_bus_message *call, const char *doing, sd_bus_message **ret) {
        CLEANUP(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        CLEANUP(message_unrefp) sd_bus_message *again = NULL;
        int r = ctl_try(ctl, call, &error, ret);

        if (r < 0)
                again = agent_repeat(ctl, call, &error);
        if (again) {
                sd_bus_error_free(&error);
                r = sd_bus_call(ctl->bus, again, AGENT_PATIENCE_USEC, &error, ret);
        }
        return r < 0 ? failure_say_bus(&ctl->options, &error, r, doing) : EXIT_DONE;
}

int ctl_try_facts(Ctl *ctl, const char *path, const char *interface, sd_bus_error *error,
                  json_object **ret) {
        CLEANUP(message_unrefp) sd_bus_message *call = NULL, *reply = NULL;
        int r;

        call = ctl_message(ctl, path, "org.freedesktop.DBus.Properties", "GetAll");
        must_bus(sd_bus_message_append(call, "s", interface));
        r = ctl_try(ctl, call, error, &reply);
        if (r < 0)
                return r;
        r = value_read(reply, ret);
        if (r >= 0)
                redact_facts(&ctl->options, *ret);
        return r;
}

Exit ctl_not_understood(Ctl *ctl, int r) {
        return failure_say(&ctl->options, EXIT_FAILED, SD_BUS_ERROR_INVALID_SIGNATURE,
                           "the service's answer is not as agreed: %s", strerror(-r));
}

void dict_open(sd_bus_message *m) {
        must_bus(sd_bus_message_open_container(m, 'a', "{sv}"));
}

void dict_close(sd_bus_message *m) {
        must_bus(sd_bus_message_close_container(m));
}

void dict_text(sd_bus_message *m, const char *key, const char *value) {
        must_bus(sd_bus_message_append(m, "{sv}", key, "s", value));
}

void dict_path(sd_bus_message *m, const char *key, const char *value) {
        must_bus(sd_bus_message_append(m, "{sv}", key, "o", value));
}

void dict_flag(sd_bus_message *m, const char *key, bool value) {
        must_bus(sd_bus_message_append(m, "{sv}", key, "b", (int)value));
}

void dict_texts(sd_bus_message *m, const char *key, const char *const *values) {
        must_bus(sd_bus_message_open_container(m, 'e', "sv"));
        must_bus(sd_bus_message_append(m, "s", key));
        must_bus(sd_bus_message_open_container(m, 'v', "as"));
        must_bus(sd_bus_message_append_strv(m, (char **)values));
        must_bus(sd_bus_message_close_container(m));
        must_bus(sd_bus_message_close_container(m));
}
