/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unit/desk.h"

#include <errno.h>

#include "base/clock.h"
#include "base/text.h"
#include "unit/registry.h"

static void test_create(void **state) {
        Desk *desk = *state;

        CALL_MANAGER("CreateSession", "a{sv}", 1, "Tag", "s", "a");
        desk_expect(desk, " +s1");
        desk_answer_id(desk, "sid");
        desk_expect(desk, " ~s1:Id,State,InSync,ExpiresUSec =s1");

        CALL_MANAGER("CreateParticipant", "a{sv}", 1, "Wait", "b", 0);
        desk_expect(desk, " +p1 =p1");
        desk_answer_id(desk, "pid");
        desk_expect(desk, " ~p1:Id,State,InSync");

        CALL_MANAGER("CreateSession", "a{sv}", 0);
        desk_answer(desk, (Answer){ .outcome = API_REFUSED, .status = 400 });
        desk_expect(desk, " +s2 -s2 !Rejected");
}

static void test_unknown_outcome(void **state) {
        Desk *desk = *state;

        CALL_MANAGER("CreateSession", "a{sv}", 1, "AtMostOnce", "b", 1);
        desk_answer(desk, (Answer){ .outcome = API_NO_ANSWER });
        desk_expect(desk, " +s1 ~s1:State,LastError,Attempts !OutcomeUnknown(s1)");
}

/* A session and two participants, confirmed; 1 is in the session. */
static void furnish(Desk *desk) {
        CALL_MANAGER("CreateSession", "a{sv}", 0);
        desk_answer_id(desk, "sid");
        CALL_MANAGER("CreateParticipant", "a{sv}", 0);
        desk_answer_id(desk, "one");
        CALL_MANAGER("CreateParticipant", "a{sv}", 0);
        desk_answer_id(desk, "two");
        CALL_SESSION("1", "AddParticipant", "oa{sv}", P1, 0);
        desk_answer(desk, (Answer){ .outcome = API_OK, .status = 204 });
        assert_string_equal(strrchr(desk->transcript, ' '), " =");
        desk_forget(desk);
}

static void test_membership(void **state) {
        Desk *desk = *state;

        furnish(desk);
        CALL_SESSION("1", "AddParticipant", "oa{sv}", P2, 1, "Publishers", "a(oas)", 1, P1, 0);
        desk_expect(desk,
                    " ~s1:Participants ~p2:InSync,Session,SessionId,SubscriptionMode,Publishers");
        desk_answer(desk, (Answer){ .outcome = API_OK, .status = 204 });
        desk_expect(desk, " ~p2:InSync =");

        CALL_PARTICIPANT("2", "SetSubscriptions", "sa(oas)a{sv}", "session", 0, 1, "Wait", "b", 0);
        desk_expect(desk, " ~p2:InSync,SubscriptionMode,Publishers =");
        desk_answer(desk, (Answer){ .outcome = API_OK, .status = 204 });
        desk_expect(desk, " ~p2:InSync");

        CALL_SESSION("1", "RemoveParticipant", "oa{sv}", P2, 0);
        desk_expect(desk, " ~s1:Participants ~p2:InSync,Session,SessionId,SubscriptionMode");
        desk_answer(desk, (Answer){ .outcome = API_OK, .status = 204 });
        desk_expect(desk, " ~p2:InSync =");

        CALL_PARTICIPANT("1", "Delete", "a{sv}", 0);
        desk_expect(desk, " ~s1:Participants ~p1:State,InSync,Session,SessionId");
        desk_answer(desk, (Answer){ .outcome = API_OK, .status = 204 });
        desk_expect(desk, " -p1 =");
}

/* The id of a session is a property of its members too; new ones need not be told. */
static void test_session_id(void **state) {
        Desk *desk = *state;
        Request first;

        CALL_MANAGER("CreateSession", "a{sv}", 0);
        first = desk->request;
        CALL_MANAGER("CreateParticipant", "a{sv}", 2, "Session", "o", S1, "Wait", "b", 0);
        desk_expect(desk, " +s1 +p1 ~s1:Participants =p1");
        desk->request = first;
        desk_answer_id(desk, "sid");
        desk_expect(desk, " ~s1:Id,State,InSync,ExpiresUSec ~p1:SessionId =s1");
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
        desk_expect(desk, " !InvalidArgs !NoSuchSession !NoSuchSession(s9) =s1 !NoSuchSession =p1"
                          " !NoSuchParticipant !InvalidArgs");
        CALL_SESSION("1", "AddParticipant", "oa{sv}", "/org/convened1/participant/9", 0);
        CALL_SESSION("1", "RemoveParticipant", "oa{sv}", P2, 0);
        CALL_SESSION("9", "Delete", "a{sv}", 0);
        CALL_SESSION("01", "Delete", "a{sv}", 0);
        CALL_PARTICIPANT("1", "SetSubscriptions", "sa(oas)a{sv}", "participants", 1, P2, 0, 0);
        CALL_PARTICIPANT("1", "SetSubscriptions", "sa(oas)a{sv}", "participants", 0, 0);
        CALL_PARTICIPANT("2", "SetSubscriptions", "sa(oas)a{sv}", "session", 0, 0);
        desk_expect(desk, " !NoSuchParticipant(p9) !Conflict !UnknownObject(s9) !UnknownObject(s01)"
                          " !InvalidArgs !InvalidArgs !Conflict");
        CALL_MANAGER("ListSessions", "a{sv}tu", 0, 0, 1001);
        CALL_MANAGER("ListSessions", "a{sv}tu", 1, "Session", "o", S1, 0, 1);
        CALL_MANAGER("ListParticipants", "a{sv}tu", 1, "Session", "o", "/org/convened1/session/9",
                     (uint64_t)0, 1);
        desk_expect(desk, " !InvalidArgs !InvalidArgs !NoSuchSession(s9)");
        assert_true(RB_EMPTY(&desk->bus->tickets.tree));
}

/* Covers "error: StorageFailed". */
static void test_token(void **state) {
        Desk *desk = *state;

        furnish(desk);
        CALL_PARTICIPANT("1", "GetToken", "");
        desk_expect(desk, "");
        bus_token(desk->bus, desk->token_ticket, 0, "secret");
        desk_turn(desk);
        desk_expect(desk, " =\"secret\"");
        bus_token(desk->bus, desk->token_ticket, 0, "secret");
        desk_turn(desk);
        desk_expect(desk, "");

        CALL_PARTICIPANT("1", "GetToken", "");
        bus_token(desk->bus, desk->token_ticket, -EIO, NULL);
        CALL_PARTICIPANT("1", "GetToken", "");
        bus_token(desk->bus, desk->token_ticket, -ENOENT, NULL);
        desk->token_error = -ENOMEM;
        CALL_PARTICIPANT("1", "GetToken", "");
        desk_expect(desk, " !StorageFailed !NoToken !StorageFailed");

        CALL_MANAGER("CreateParticipant", "a{sv}", 1, "Wait", "b", 0);
        CALL_PARTICIPANT("3", "GetToken", "");
        CALL_PARTICIPANT("2", "Delete", "a{sv}", 1, "Wait", "b", 0);
        CALL_PARTICIPANT("2", "GetToken", "");
        desk_expect(desk, " +p3 =p3 !NoToken ~p2:State,InSync = !Conflict");
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
        desk_expect(desk, " = !InvalidFileContent(s7) !InvalidFileContent !NoMemory");
}

static void test_configure(void **state) {
        Desk *desk = *state;
        BusConfig with = desk_config;

        furnish(desk);
        with.objects_max = 2;
        bus_configure(desk->bus, &with);
        desk_call(desk, "/org/convened1", "org.freedesktop.DBus.ObjectManager", "GetManagedObjects",
                  "");
        desk_expect(desk, " !LimitsExceeded");
}

static void test_managed_objects(void **state) {
        static const char *const all[] = { " =s1", " =p1", " =p2" };
        Desk *desk = *state;

        furnish(desk);
        desk_call(desk, "/org/convened1", "org.freedesktop.DBus.ObjectManager", "GetManagedObjects",
                  "");
        for (unsigned i = 0; i < ELEMENTSOF(all); i++)
                assert_non_null(strstr(desk->transcript, all[i]));
        CALL_MANAGER("CreateSession", "a{sv}", 1, "Wait", "b", 0);
        CALL_MANAGER("CreateSession", "a{sv}", 1, "Wait", "b", 0);
        desk_forget(desk);
        desk_call(desk, "/org/convened1", "org.freedesktop.DBus.ObjectManager", "GetManagedObjects",
                  "");
        desk_call(desk, "/org/convened1/session", "org.freedesktop.DBus.Introspectable",
                  "Introspect", "");
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

        desk_call(desk, "/org/convened1", "org.freedesktop.DBus.ObjectManager", "GetManagedObjects",
                  "");
        CALL_MANAGER("ListParticipants", "a{sv}tu", 0, (uint64_t)0, 1000);
        CALL_MANAGER("ListParticipants", "a{sv}tu", 0, (uint64_t)0, 50);
        CALL_MANAGER("ListParticipants", "a{sv}tu", 0, (uint64_t)250, 50);
        desk_expect(desk, " !LimitsExceeded =more =more =all");
}

/* ApiState at once, counts at most once in 100 ms. */
static void test_status(void **state) {
        Desk *desk = *state;
        Now now = { .boottime = USEC_PER_HOUR };

        CALL_MANAGER("CreateSession", "a{sv}", 0);
        desk_forget(desk);
        assert_int_equal(bus_deadline(desk->bus), USEC_NEVER);
        assert_true(bus_emit_status(desk->bus, now) >= 0);
        desk_turn(desk);
        desk_expect(desk, " ~m:SessionCount,PendingCount");
        assert_int_equal(bus_deadline(desk->bus), USEC_NEVER);

        desk_answer_id(desk, "sid");
        CALL_MANAGER("CreateParticipant", "a{sv}", 0);
        CALL_MANAGER("CreateParticipant", "a{sv}", 0);
        desk_forget(desk);
        now.boottime += 99 * USEC_PER_MSEC;
        assert_true(bus_emit_status(desk->bus, now) >= 0);
        desk_turn(desk);
        desk_expect(desk, " ~m:ApiState");
        assert_int_equal(bus_deadline(desk->bus), now.boottime + USEC_PER_MSEC);

        now.boottime += USEC_PER_MSEC;
        assert_true(bus_emit_status(desk->bus, now) >= 0);
        assert_true(bus_emit_status(desk->bus, now) >= 0);
        desk_turn(desk);
        desk_expect(desk, " ~m:ParticipantCount,PendingCount");
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
        desk_forget(desk);
}

/* What came and went before anybody could hear of it. */
static void test_never_shown(void **state) {
        Desk *desk = *state;
        BatchRow row = { .row = registry_row(&(Entry){ .kind = KIND_SESSION, .number = 1 }),
                         .removed = true,
                         .members_changed = true };

        assert_int_equal(bus_emit(desk->bus, &(Batch){ .rows = &row, .n_rows = 1 }), 0);
        desk_turn(desk);
        desk_expect(desk, "");
        row_deinit(&row.row);
}

static void test_session_goes(void **state) {
        Desk *desk = *state;

        furnish(desk);
        CALL_SESSION("1", "Delete", "a{sv}", 0);
        desk_answer(desk, (Answer){ .outcome = API_OK, .status = 204 });
        desk_expect(desk, " ~s1:State,InSync ~p1:Session,SessionId -s1 =");
}

static void test_silent_before_the_name(void **state) {
        Desk *desk = *state;

        desk->bus->named = false;
        CALL_MANAGER("CreateSession", "a{sv}", 1, "Wait", "b", 0);
        assert_true(bus_emit_status(desk->bus, clock_now()) >= 0);
        desk_turn(desk);
        desk_expect(desk, " =s1");
}

/* On the system bus, where nobody can tell who is asking: a refusal, before anything is kept. */
static void test_nobody(void **state) {
        Desk *desk = *state;
        BusConfig system = desk_config;

        furnish(desk);
        bus_free(desk->bus);
        system.system = true;
        desk_open_bus(desk, &system);
        CALL_MANAGER("CreateSession", "a{sv}", 0);
        CALL_SESSION("1", "Delete", "a{sv}", 0);
        CALL_MANAGER("Sync", "");
        CALL_MANAGER("ListSessions", "a{sv}tu", 0, (uint64_t)0, 0);
        CALL_MANAGER("Reload", "");
        desk_expect(desk, " !AccessDenied !AccessDenied !AccessDenied !AccessDenied !AccessDenied");
}

/* Whoever gives up has it said why, and does not make an exit status of an errno. */
static void test_fatal(void **state) {
        Desk *desk = *state;

        assert_null(desk->failed_at);
        assert_int_equal(bus_fatal(desk->bus, -ENOMEM, "Take a call in"), -ENOMEM);
        assert_int_equal(desk->error, -ENOMEM);
        assert_string_equal(desk->failed_at, "Take a call in");
}

#define BUS_TEST(test) cmocka_unit_test_setup_teardown(test, desk_setup, desk_teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                BUS_TEST(test_create),          BUS_TEST(test_fatal),
                BUS_TEST(test_unknown_outcome), BUS_TEST(test_membership),
                BUS_TEST(test_session_id),      BUS_TEST(test_refused),
                BUS_TEST(test_token),           BUS_TEST(test_reload),
                BUS_TEST(test_configure),       BUS_TEST(test_managed_objects),
                BUS_TEST(test_managed_bytes),   BUS_TEST(test_status),
                BUS_TEST(test_stuck),           BUS_TEST(test_never_shown),
                BUS_TEST(test_session_goes),    BUS_TEST(test_silent_before_the_name),
                BUS_TEST(test_nobody),
        };

        return cmocka_run_group_tests_name("bus", tests, NULL, NULL);
}
