/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit/unit.h"

#include <errno.h>

#include "base/clock.h"
#include "base/text.h"
#include "bus/internal.h"
#include "unit/pipe.h"
#include "unit/registry.h"

/*
 * The service on one end of a pipe and a client on the other. All that the client hears goes into
 * a transcript, a word for a thing: "+1" and "-1" objects that come and go (s: sessions, p:
 * participants), "~p1:State,Id" properties that change, "=" an empty reply, "=/path", "!Error".
 */
typedef struct Desk {
        Pipe ends;
        Core *core;
        Bus *bus;
        char transcript[4096];
        Request request; /* the last one let out, without what it owns */
        unsigned n_requests;
        uint64_t token_ticket;
        int token_error;
        int reload_result;
        const char *reload_reason;
        int error; /* what the process is to end of */
        const char *failed_at;
} Desk;

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

static const BusConfig config = {
        .version = "1", .account_id = "9900000", .base_url = "http://127.0.0.1/v1", .objects_max = 4
};

static void desk_open_bus(Desk *desk, const BusConfig *with) {
        BusHooks hooks = {
                .read_token = read_token, .reload = reload, .fail = on_fail, .userdata = desk
        };

        assert_int_equal(bus_new(&desk->bus, desk->ends.server, desk->core, with, &hooks), 0);
        /* There is no bus here that could give it a name. */
        desk->bus->named = true;
        manager_tell(desk->bus, &desk->bus->told);
}

static int setup(void **state) {
        Desk *desk = calloc(1, sizeof(*desk));

        desk->ends = pipe_open();
        assert_int_equal(core_new(&desk->core, &registry_config), 0);
        assert_int_equal(core_start(desk->core, clock_now()), 0);
        desk_open_bus(desk, &config);
        assert_true(sd_bus_add_filter(desk->ends.client, NULL, on_message, desk) >= 0);
        pipe_pump(&desk->ends);
        *state = desk;
        return 0;
}

static int teardown(void **state) {
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

/* What the daemon's loop does after each event, until nothing is left to do. */
static void turn(Desk *desk) {
        Batch *batch;

        do {
                pipe_pump(&desk->ends);
                assert_int_equal(core_seal(desk->core, clock_now(), &batch), 0);
                if (batch)
                        desk_release(desk, batch);
                pipe_pump(&desk->ends);
        } while (batch);
}

static void answer(Desk *desk, Answer with) {
        with.serial = desk->request.serial;
        with.message = "as the API says";
        with.request_id = "";
        assert_int_equal(core_answer(desk->core, &with, clock_now()), 0);
        turn(desk);
}

static void answer_id(Desk *desk, const char *id) {
        Answer with = { .outcome = API_OK, .status = 200, .token = "secret" };

        assert_true(api_id_set(&with.id, id));
        answer(desk, with);
}

static void call(Desk *desk, const char *path, const char *interface, const char *member,
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
        turn(desk);
}

#define CALL_MANAGER(member, ...)                                                                  \
        call(desk, "/org/convened1", "org.convened1.Manager", member, __VA_ARGS__)
#define CALL_SESSION(number, member, ...)                                                          \
        call(desk, "/org/convened1/session/" number, "org.convened1.Session", member, __VA_ARGS__)
#define CALL_PARTICIPANT(number, member, ...)                                                      \
        call(desk, "/org/convened1/participant/" number, "org.convened1.Participant", member,      \
             __VA_ARGS__)

#define P1 "/org/convened1/participant/1"
#define P2 "/org/convened1/participant/2"
#define S1 "/org/convened1/session/1"

static void expect(Desk *desk, const char *transcript) {
        assert_string_equal(desk->transcript, transcript);
        desk->transcript[0] = '\0';
}

static void forget(Desk *desk) {
        desk->transcript[0] = '\0';
}

static void test_create(void **state) {
        Desk *desk = *state;

        CALL_MANAGER("CreateSession", "a{sv}", 1, "Tag", "s", "a");
        expect(desk, " +s1");
        answer_id(desk, "sid");
        expect(desk, " ~s1:Id,State,InSync,ExpiresUSec =s1");

        CALL_MANAGER("CreateParticipant", "a{sv}", 1, "Wait", "b", 0);
        expect(desk, " +p1 =p1");
        answer_id(desk, "pid");
        expect(desk, " ~p1:Id,State,InSync");

        CALL_MANAGER("CreateSession", "a{sv}", 0);
        answer(desk, (Answer){ .outcome = API_REFUSED, .status = 400 });
        expect(desk, " +s2 -s2 !Rejected");
}

static void test_unknown_outcome(void **state) {
        Desk *desk = *state;

        CALL_MANAGER("CreateSession", "a{sv}", 1, "AtMostOnce", "b", 1);
        answer(desk, (Answer){ .outcome = API_NO_ANSWER });
        expect(desk, " +s1 ~s1:State,LastError !OutcomeUnknown(s1)");
}

/* A session and two participants, confirmed; 1 is in the session. */
static void furnish(Desk *desk) {
        CALL_MANAGER("CreateSession", "a{sv}", 0);
        answer_id(desk, "sid");
        CALL_MANAGER("CreateParticipant", "a{sv}", 0);
        answer_id(desk, "one");
        CALL_MANAGER("CreateParticipant", "a{sv}", 0);
        answer_id(desk, "two");
        CALL_SESSION("1", "AddParticipant", "oa{sv}", P1, 0);
        answer(desk, (Answer){ .outcome = API_OK, .status = 204 });
        assert_string_equal(strrchr(desk->transcript, ' '), " =");
        forget(desk);
}

static void test_membership(void **state) {
        Desk *desk = *state;

        furnish(desk);
        CALL_SESSION("1", "AddParticipant", "oa{sv}", P2, 1, "Publishers", "a(oas)", 1, P1, 0);
        expect(desk, " ~s1:Participants ~p2:InSync,Session,SessionId,SubscriptionMode,Publishers");
        answer(desk, (Answer){ .outcome = API_OK, .status = 204 });
        expect(desk, " ~p2:InSync =");

        CALL_PARTICIPANT("2", "SetSubscriptions", "sa(oas)a{sv}", "session", 0, 1, "Wait", "b", 0);
        expect(desk, " ~p2:InSync,SubscriptionMode,Publishers =");
        answer(desk, (Answer){ .outcome = API_OK, .status = 204 });
        expect(desk, " ~p2:InSync");

        CALL_SESSION("1", "RemoveParticipant", "oa{sv}", P2, 0);
        expect(desk, " ~s1:Participants ~p2:InSync,Session,SessionId,SubscriptionMode");
        answer(desk, (Answer){ .outcome = API_OK, .status = 204 });
        expect(desk, " ~p2:InSync =");

        CALL_PARTICIPANT("1", "Delete", "a{sv}", 0);
        expect(desk, " ~s1:Participants ~p1:State,InSync,Session,SessionId");
        answer(desk, (Answer){ .outcome = API_OK, .status = 204 });
        expect(desk, " -p1 =");
}

/* The id of a session is a property of its members too; new ones need not be told. */
static void test_session_id(void **state) {
        Desk *desk = *state;
        Request first;

        CALL_MANAGER("CreateSession", "a{sv}", 0);
        first = desk->request;
        CALL_MANAGER("CreateParticipant", "a{sv}", 2, "Session", "o", S1, "Wait", "b", 0);
        expect(desk, " +s1 +p1 ~s1:Participants =p1");
        desk->request = first;
        answer_id(desk, "sid");
        expect(desk, " ~s1:Id,State,InSync,ExpiresUSec ~p1:SessionId =s1");
}

static void test_refused(void **state) {
        Desk *desk = *state;

        furnish(desk);
        CALL_MANAGER("CreateParticipant", "a{sv}", 1, "SubscriptionMode", "s", "none");
        CALL_MANAGER("CreateParticipant", "a{sv}", 1, "Session", "o", "/");
        CALL_MANAGER("CreateParticipant", "a{sv}", 1, "Session", "o", "/org/convened1/session/9");
        CALL_MANAGER("GetSession", "s", "sid");
        CALL_MANAGER("GetSession", "s", "one");
        CALL_MANAGER("GetParticipant", "s", "one");
        CALL_MANAGER("GetParticipant", "s", "sid");
        CALL_MANAGER("GetParticipant", "s", "../one");
        expect(desk, " !InvalidArgs !NoSuchSession !NoSuchSession(s9) =s1 !NoSuchSession =p1"
                     " !NoSuchParticipant !InvalidArgs");
        CALL_SESSION("1", "AddParticipant", "oa{sv}", "/org/convened1/participant/9", 0);
        CALL_SESSION("1", "RemoveParticipant", "oa{sv}", P2, 0);
        CALL_SESSION("9", "Delete", "a{sv}", 0);
        CALL_SESSION("01", "Delete", "a{sv}", 0);
        CALL_PARTICIPANT("1", "SetSubscriptions", "sa(oas)a{sv}", "participants", 1, P2, 0, 0);
        CALL_PARTICIPANT("1", "SetSubscriptions", "sa(oas)a{sv}", "participants", 0, 0);
        CALL_PARTICIPANT("2", "SetSubscriptions", "sa(oas)a{sv}", "session", 0, 0);
        expect(desk, " !NoSuchParticipant(p9) !Conflict !UnknownObject(s9) !UnknownObject(s01)"
                     " !InvalidArgs !InvalidArgs !Conflict");
        CALL_MANAGER("ListSessions", "a{sv}tu", 0, 0, 1001);
        CALL_MANAGER("ListSessions", "a{sv}tu", 1, "Session", "o", S1, 0, 1);
        CALL_MANAGER("ListParticipants", "a{sv}tu", 1, "Session", "o", "/org/convened1/session/9",
                     (uint64_t)0, 1);
        expect(desk, " !InvalidArgs !InvalidArgs !NoSuchSession(s9)");
        assert_true(RB_EMPTY(&desk->bus->tickets.tree));
}

/* Covers "error: StorageFailed". */
static void test_token(void **state) {
        Desk *desk = *state;

        furnish(desk);
        CALL_PARTICIPANT("1", "GetToken", "");
        expect(desk, "");
        bus_token(desk->bus, desk->token_ticket, 0, "secret");
        turn(desk);
        expect(desk, " =\"secret\"");
        bus_token(desk->bus, desk->token_ticket, 0, "secret");
        turn(desk);
        expect(desk, "");

        CALL_PARTICIPANT("1", "GetToken", "");
        bus_token(desk->bus, desk->token_ticket, -EIO, NULL);
        CALL_PARTICIPANT("1", "GetToken", "");
        bus_token(desk->bus, desk->token_ticket, -ENOENT, NULL);
        desk->token_error = -ENOMEM;
        CALL_PARTICIPANT("1", "GetToken", "");
        expect(desk, " !StorageFailed !NoToken !StorageFailed");

        CALL_MANAGER("CreateParticipant", "a{sv}", 1, "Wait", "b", 0);
        CALL_PARTICIPANT("3", "GetToken", "");
        CALL_PARTICIPANT("2", "Delete", "a{sv}", 1, "Wait", "b", 0);
        CALL_PARTICIPANT("2", "GetToken", "");
        expect(desk, " +p3 =p3 !NoToken ~p2:State,InSync = !Conflict");
        assert_true(RB_EMPTY(&desk->bus->tickets.tree));
}

static void test_reload(void **state) {
        Desk *desk = *state;

        CALL_MANAGER("Reload", "");
        desk->reload_result = 1;
        desk->reload_reason = "of /org/convened1/session/7 in a file";
        CALL_MANAGER("Reload", "");
        desk->reload_reason = "\xff is no text, /org/convened1/session/7";
        CALL_MANAGER("Reload", "");
        desk->reload_result = -ENOMEM;
        desk->reload_reason = NULL;
        CALL_MANAGER("Reload", "");
        expect(desk, " = !InvalidFileContent(s7) !InvalidFileContent !NoMemory");
}

static void test_configure(void **state) {
        Desk *desk = *state;
        BusConfig with = config;

        furnish(desk);
        with.objects_max = 2;
        bus_configure(desk->bus, &with);
        call(desk, "/org/convened1", "org.freedesktop.DBus.ObjectManager", "GetManagedObjects", "");
        expect(desk, " !LimitsExceeded");
}

static void test_managed_objects(void **state) {
        static const char *const all[] = { " =s1", " =p1", " =p2" };
        Desk *desk = *state;

        furnish(desk);
        call(desk, "/org/convened1", "org.freedesktop.DBus.ObjectManager", "GetManagedObjects", "");
        for (unsigned i = 0; i < ELEMENTSOF(all); i++)
                assert_non_null(strstr(desk->transcript, all[i]));
        CALL_MANAGER("CreateSession", "a{sv}", 1, "Wait", "b", 0);
        CALL_MANAGER("CreateSession", "a{sv}", 1, "Wait", "b", 0);
        forget(desk);
        call(desk, "/org/convened1", "org.freedesktop.DBus.ObjectManager", "GetManagedObjects", "");
        call(desk, "/org/convened1/session", "org.freedesktop.DBus.Introspectable", "Introspect",
             "");
        assert_non_null(strstr(desk->transcript, " !LimitsExceeded ="));
        assert_null(strstr(desk->transcript, "node name="));
}

/* As many aliases as there may be, in so many participants that one message cannot hold them. */
static void test_managed_bytes(void **state) {
        Desk *desk = *state;
        char *aliases[32];
        Publisher publishers[20];

        bus_free(desk->bus);
        desk_open_bus(desk, &(BusConfig){ .version = "",
                                          .account_id = "",
                                          .base_url = "",
                                          .objects_max = 4096 });
        for (unsigned i = 0; i < ELEMENTSOF(aliases); i++) {
                aliases[i] = malloc(129);
                memset(aliases[i], 'a', 128);
                snprintf(aliases[i] + 126, 3, "%02u", i);
        }
        for (unsigned i = 0; i < ELEMENTSOF(publishers); i++)
                publishers[i] = (Publisher){ i + 1, .aliases = aliases, .n_aliases = 32 };
        registry_add(desk->core, &(Entry){ .kind = KIND_SESSION, .number = 1, .id = "s1" });
        for (unsigned i = 1; i <= 300; i++) {
                char id[12];

                snprintf(id, sizeof(id), "%u", i);
                registry_add(desk->core, &(Entry){ .kind = KIND_PARTICIPANT,
                                                   .number = i,
                                                   .id = id,
                                                   .session = 1,
                                                   .mode = MODE_PARTICIPANTS,
                                                   .publishers = publishers,
                                                   .n_publishers = ELEMENTSOF(publishers) });
        }
        for (unsigned i = 0; i < ELEMENTSOF(aliases); i++)
                free(aliases[i]);

        call(desk, "/org/convened1", "org.freedesktop.DBus.ObjectManager", "GetManagedObjects", "");
        CALL_MANAGER("ListParticipants", "a{sv}tu", 0, (uint64_t)0, 1000);
        CALL_MANAGER("ListParticipants", "a{sv}tu", 0, (uint64_t)0, 50);
        CALL_MANAGER("ListParticipants", "a{sv}tu", 0, (uint64_t)250, 50);
        expect(desk, " !LimitsExceeded =more =more =all");
}

/* ApiState at once, counts at most once in 100 ms. */
static void test_status(void **state) {
        Desk *desk = *state;
        Now now = { .boottime = USEC_PER_HOUR };

        CALL_MANAGER("CreateSession", "a{sv}", 0);
        forget(desk);
        assert_int_equal(bus_deadline(desk->bus), USEC_NEVER);
        assert_true(bus_emit_status(desk->bus, now) >= 0);
        turn(desk);
        expect(desk, " ~m:SessionCount,PendingCount");
        assert_int_equal(bus_deadline(desk->bus), USEC_NEVER);

        answer_id(desk, "sid");
        CALL_MANAGER("CreateParticipant", "a{sv}", 0);
        CALL_MANAGER("CreateParticipant", "a{sv}", 0);
        forget(desk);
        now.boottime += 99 * USEC_PER_MSEC;
        assert_true(bus_emit_status(desk->bus, now) >= 0);
        turn(desk);
        expect(desk, " ~m:ApiState");
        assert_int_equal(bus_deadline(desk->bus), now.boottime + USEC_PER_MSEC);

        now.boottime += USEC_PER_MSEC;
        assert_true(bus_emit_status(desk->bus, now) >= 0);
        assert_true(bus_emit_status(desk->bus, now) >= 0);
        turn(desk);
        expect(desk, " ~m:ParticipantCount,PendingCount");
        assert_int_equal(bus_deadline(desk->bus), USEC_NEVER);
}

static void say_something(Desk *desk) {
        assert_true(sd_bus_emit_signal(desk->ends.server, "/org/convened1", "a.b", "C", "o",
                                       "/org/convened1") >= 0);
}

/* For ten seconds since something was taken, or since there is something. */
static void test_stuck(void **state) {
        Desk *desk = *state;
        Now now = { .boottime = USEC_PER_HOUR };
        usec_t awake = USEC_PER_HOUR;

        assert_false(bus_is_stuck(desk->bus, now, awake));
        assert_int_equal(bus_deadline(desk->bus), USEC_NEVER);
        now.boottime += USEC_PER_HOUR; /* asleep */
        say_something(desk);
        assert_false(bus_is_stuck(desk->bus, now, awake));
        assert_int_equal(bus_deadline(desk->bus), now.boottime + 10 * USEC_PER_SEC);
        now.boottime += 10 * USEC_PER_SEC - 1;
        awake += 10 * USEC_PER_SEC - 1;
        say_something(desk);
        assert_false(bus_is_stuck(desk->bus, now, awake));
        pipe_pump(&desk->ends);
        now.boottime++;
        awake++;
        assert_false(bus_is_stuck(desk->bus, now, awake));
        assert_int_equal(bus_deadline(desk->bus), USEC_NEVER);

        say_something(desk);
        assert_false(bus_is_stuck(desk->bus, now, awake));
        /* While the machine sleeps nobody reads. */
        now.boottime += USEC_PER_HOUR;
        assert_false(bus_is_stuck(desk->bus, now, awake));
        assert_in_range(bus_deadline(desk->bus), now.boottime + 1,
                        now.boottime + 11 * USEC_PER_SEC);
        now.boottime += 10 * USEC_PER_SEC - 1;
        awake += 10 * USEC_PER_SEC - 1;
        assert_false(bus_is_stuck(desk->bus, now, awake));
        now.boottime++;
        awake++;
        assert_true(bus_is_stuck(desk->bus, now, awake));
        forget(desk);
}

/* What came and went before anybody could hear of it. */
static void test_never_shown(void **state) {
        Desk *desk = *state;
        BatchRow row = { .row = registry_row(&(Entry){ .kind = KIND_SESSION, .number = 1 }),
                         .removed = true,
                         .members_changed = true };

        assert_int_equal(bus_emit(desk->bus, &(Batch){ .rows = &row, .n_rows = 1 }), 0);
        turn(desk);
        expect(desk, "");
        row_deinit(&row.row);
}

static void test_session_goes(void **state) {
        Desk *desk = *state;

        furnish(desk);
        CALL_SESSION("1", "Delete", "a{sv}", 0);
        answer(desk, (Answer){ .outcome = API_OK, .status = 204 });
        expect(desk, " ~s1:State,InSync ~p1:Session,SessionId -s1 =");
}

static void test_silent_before_the_name(void **state) {
        Desk *desk = *state;

        desk->bus->named = false;
        CALL_MANAGER("CreateSession", "a{sv}", 1, "Wait", "b", 0);
        assert_true(bus_emit_status(desk->bus, clock_now()) >= 0);
        turn(desk);
        expect(desk, " =s1");
}

/* On the system bus, where nobody can tell who is asking: a refusal, before anything is kept. */
static void test_nobody(void **state) {
        Desk *desk = *state;
        BusConfig system = config;

        furnish(desk);
        bus_free(desk->bus);
        system.system = true;
        desk_open_bus(desk, &system);
        CALL_MANAGER("CreateSession", "a{sv}", 0);
        CALL_SESSION("1", "Delete", "a{sv}", 0);
        CALL_MANAGER("Sync", "");
        CALL_MANAGER("ListSessions", "a{sv}tu", 0, (uint64_t)0, 0);
        CALL_MANAGER("Reload", "");
        expect(desk, " !AccessDenied !AccessDenied !AccessDenied !AccessDenied !AccessDenied");
}

/* Whoever gives up has it said why, and does not make an exit status of an errno. */
static void test_fatal(void **state) {
        Desk *desk = *state;

        assert_null(desk->failed_at);
        assert_int_equal(bus_fatal(desk->bus, -ENOMEM, "Take a call in"), -ENOMEM);
        assert_int_equal(desk->error, -ENOMEM);
        assert_string_equal(desk->failed_at, "Take a call in");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_create, setup, teardown),
                cmocka_unit_test_setup_teardown(test_fatal, setup, teardown),
                cmocka_unit_test_setup_teardown(test_unknown_outcome, setup, teardown),
                cmocka_unit_test_setup_teardown(test_membership, setup, teardown),
                cmocka_unit_test_setup_teardown(test_session_id, setup, teardown),
                cmocka_unit_test_setup_teardown(test_refused, setup, teardown),
                cmocka_unit_test_setup_teardown(test_token, setup, teardown),
                cmocka_unit_test_setup_teardown(test_reload, setup, teardown),
                cmocka_unit_test_setup_teardown(test_configure, setup, teardown),
                cmocka_unit_test_setup_teardown(test_managed_objects, setup, teardown),
                cmocka_unit_test_setup_teardown(test_managed_bytes, setup, teardown),
                cmocka_unit_test_setup_teardown(test_status, setup, teardown),
                cmocka_unit_test_setup_teardown(test_stuck, setup, teardown),
                cmocka_unit_test_setup_teardown(test_never_shown, setup, teardown),
                cmocka_unit_test_setup_teardown(test_session_goes, setup, teardown),
                cmocka_unit_test_setup_teardown(test_silent_before_the_name, setup, teardown),
                cmocka_unit_test_setup_teardown(test_nobody, setup, teardown),
        };

        return cmocka_run_group_tests_name("bus", tests, NULL, NULL);
}
