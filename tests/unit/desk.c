/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit/desk.h"

#include "base/clock.h"
#include "base/text.h"
#include "unit/registry.h"

static void note(Desk *desk, const char *format, ...) {
        size_t n = strlen(desk->transcript);
        va_list arguments;

        va_start(arguments, format);
        vsnprintf(desk->transcript + n, sizeof(desk->transcript) - n, format, arguments);
        va_end(arguments);
}

/* "s1" for /org/convened1/session/1. */
static const char *brief(const char *path) {
        static char text[32];
        const char *number = strrchr(path, '/');

        snprintf(text, sizeof(text), "%c%.*s", strstr(path, "/session/") ? 's' : 'p',
                 (int)strspn(number + 1, "0123456789"), number + 1);
        return streq(path, "/org/convened1") ? "m" : text;
}

static void note_changed(Desk *desk, sd_bus_message *message) {
        const char *interface, *name, *separator = "";

        note(desk, " ~%s:", brief(sd_bus_message_get_path(message)));
        assert_true(sd_bus_message_read(message, "s", &interface) > 0);
        assert_true(sd_bus_message_enter_container(message, 'a', "{sv}") > 0);
        while (sd_bus_message_enter_container(message, 'e', "sv") > 0) {
                assert_true(sd_bus_message_read(message, "s", &name) > 0);
                note(desk, "%s%s", separator, name);
                separator = ",";
                assert_true(sd_bus_message_skip(message, "v") > 0);
                assert_true(sd_bus_message_exit_container(message) > 0);
        }
}

static int on_message(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        Desk *desk = userdata;
        const char *path;

        (void)error;
        if (sd_bus_message_is_signal(message, NULL, "PropertiesChanged"))
                note_changed(desk, message);
        else if (sd_bus_message_is_signal(message, NULL, NULL)) {
                assert_true(sd_bus_message_read(message, "o", &path) > 0);
                note(desk, " %c%s",
                     sd_bus_message_is_signal(message, NULL, "InterfacesAdded") ? '+' : '-',
                     brief(path));
        }
        return 0;
}

static int on_reply(sd_bus_message *message, void *userdata, sd_bus_error *error) {
        const char *signature = sd_bus_message_get_signature(message, true), *text = "";

        (void)error;
        if (sd_bus_message_is_method_error(message, NULL)) {
                const sd_bus_error *reason = sd_bus_message_get_error(message);

                note(userdata, " !%s", strrchr(reason->name, '.') + 1);
                if (strstr(reason->message, "/org/"))
                        note(userdata, "(%s)", brief(strstr(reason->message, "/org/")));
        } else if (streq(signature, "o")) {
                assert_true(sd_bus_message_read(message, "o", &text) > 0);
                note(userdata, " =%s", brief(text));
        } else if (streq(signature, "s")) {
                assert_true(sd_bus_message_read(message, "s", &text) > 0);
                note(userdata, " =\"%s\"", text);
        } else if (streq(signature, "a(oa{sv})t")) {
                uint64_t next;

                assert_true(sd_bus_message_skip(message, "a(oa{sv})") > 0);
                assert_true(sd_bus_message_read(message, "t", &next) > 0);
                note(userdata, next == 0 ? " =all" : " =more");
        } else if (streq(signature, "a{oa{sa{sv}}}")) {
                assert_true(sd_bus_message_enter_container(message, 'a', "{oa{sa{sv}}}") > 0);
                while (sd_bus_message_enter_container(message, 'e', "oa{sa{sv}}") > 0) {
                        assert_true(sd_bus_message_read(message, "o", &text) > 0);
                        note(userdata, " =%s", brief(text));
                        assert_true(sd_bus_message_skip(message, "a{sa{sv}}") > 0);
                        assert_true(sd_bus_message_exit_container(message) > 0);
                }
        } else
                note(userdata, " =%s", signature);
        return 1;
}

static int read_token(uint64_t participant, uint64_t ticket, void *userdata) {
        Desk *desk = userdata;

        (void)participant;
        desk->token_ticket = ticket;
        return desk->token_error;
}

/* What Reload finds is what the test put there. */
static int reload(char **ret_reason, void *userdata) {
        const Desk *desk = userdata;

        if (desk->reload_reason)
                *ret_reason = strdup(desk->reload_reason);
        return desk->reload_result;
}

static void on_fail(int error, const char *what, void *userdata) {
        Desk *desk = userdata;

        desk->error = error;
        desk->failed_at = what;
}

const BusConfig desk_config = {
        .version = "1", .account_id = "9900000", .base_url = "http://127.0.0.1/v1", .objects_max = 4
};

void desk_open_bus(Desk *desk, const BusConfig *with) {
        BusHooks hooks = {
                .read_token = read_token, .reload = reload, .fail = on_fail, .userdata = desk
        };

        assert_int_equal(bus_new(&desk->bus, desk->ends.server, desk->core, with, &hooks), 0);
        /* There is no bus here that could give it a name. */
        desk->bus->named = true;
        manager_tell(desk->bus, &desk->bus->told);
}

int desk_setup(void **state) {
        Desk *desk = calloc(1, sizeof(*desk));

        desk->ends = pipe_open();
        assert_int_equal(core_new(&desk->core, &registry_config), 0);
        assert_int_equal(core_start(desk->core, clock_now()), 0);
        desk_open_bus(desk, &desk_config);
        assert_true(sd_bus_add_filter(desk->ends.client, NULL, on_message, desk) >= 0);
        pipe_pump(&desk->ends);
        *state = desk;
        return 0;
}

int desk_teardown(void **state) {
        Desk *desk = *state;

        bus_free(desk->bus);
        core_free(desk->core);
        pipe_close(&desk->ends);
        free(desk);
        return 0;
}

static void desk_release(Desk *desk, Batch *batch) {
        assert_int_equal(core_committed(desk->core, batch, clock_now()), 0);
        assert_int_equal(bus_emit(desk->bus, batch), 0);
        for (size_t i = 0; i < batch->n_effects; i++) {
                const Effect *effect = batch->effects + i;

                if (effect->kind == EFFECT_REPLY)
                        assert_true(bus_reply(desk->bus, &effect->reply) >= 0);
                if (effect->kind == EFFECT_REQUEST) {
                        desk->request = effect->request;
                        desk->n_requests++;
                }
        }
        core_release(desk->core, batch);
}

void desk_turn(Desk *desk) {
        Batch *batch;

        do {
                pipe_pump(&desk->ends);
                assert_int_equal(core_seal(desk->core, clock_now(), &batch), 0);
                if (batch)
                        desk_release(desk, batch);
                pipe_pump(&desk->ends);
        } while (batch);
}

void desk_answer(Desk *desk, Answer with) {
        with.serial = desk->request.serial;
        with.message = "as the API says";
        with.request_id = "";
        assert_int_equal(core_answer(desk->core, &with, clock_now()), 0);
        desk_turn(desk);
}

void desk_answer_id(Desk *desk, const char *id) {
        Answer with = { .outcome = API_OK, .status = 200, .token = "secret" };

        assert_true(api_id_set(&with.id, id));
        desk_answer(desk, with);
}

void desk_call(Desk *desk, const char *path, const char *interface, const char *member,
               const char *types, ...) {
        sd_bus_message *message = NULL;
        va_list arguments;

        assert_true(sd_bus_message_new_method_call(desk->ends.client, &message, NULL, path,
                                                   interface, member) >= 0);
        va_start(arguments, types);
        assert_true(sd_bus_message_appendv(message, types, arguments) >= 0);
        va_end(arguments);
        assert_true(sd_bus_call_async(desk->ends.client, NULL, message, on_reply, desk, 0) >= 0);
        sd_bus_message_unref(message);
        desk_turn(desk);
}

void desk_expect(Desk *desk, const char *transcript) {
        assert_string_equal(desk->transcript, transcript);
        desk->transcript[0] = '\0';
}

void desk_forget(Desk *desk) {
        desk->transcript[0] = '\0';
}
