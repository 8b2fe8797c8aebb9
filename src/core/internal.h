/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the files of the core share. Nobody outside of core/ includes this. */

#include "core/object.h"
#include "core/pace.h"
#include "core/storage.h"
#include "core/tombstone.h"

/* A request that is out, or that leaves with the batch that is on its way. */
struct Flight {
        RB_ENTRY(Flight) by_serial;
        uint64_t serial; /* also the order in which requests were decided */
        Operation operation;
        StepKind step;
        Object *object; /* NULL: a probe, or an object that has gone meanwhile */
        Place *sent;    /* the value sent; it becomes what is observed */
        uint32_t sent_rev[_ASPECT_MAX];
        unsigned attempt; /* in a row, the first is 1; 0: a probe */
        bool whole;       /* the value sent is all that was wanted */
        usec_t sent_at;   /* CLOCK_REALTIME */
};

typedef struct Departure Departure;

RB_HEAD(Flights, Flight);
RB_PROTOTYPE(Flights, Flight, by_serial, flight_compare);

/* What is known of the host as a whole. */
typedef struct Host {
        ApiState state;
        bool usable;  /* there are credentials */
        bool suspect; /* an attempt ended oddly: ask something else at once */
        unsigned n_failed;
        usec_t probe_at;    /* CLOCK_BOOTTIME, USEC_NEVER: none is planned */
        usec_t quiet_until; /* CLOCK_BOOTTIME: it was asked for, and nothing but time ends it */
        uint64_t throttled_serial; /* up to there, requests were decided before the last 429 */
        bool paused; /* while throttled: the pause is not over, or no probe has passed after it */
        bool held;   /* throttled again and again: it stays so until calm_at, at a slower pace */
        usec_t calm_at; /* CLOCK_BOOTTIME: a while after the last pause; a 429 before is one more */
        Flight *probe;
        uint64_t outdated; /* serial: what was sent before says nothing of the credentials of now */
        usec_t last_contact_at; /* CLOCK_REALTIME */
        Outcome denial;         /* how the credentials were refused last; DONE: never */
        bool redirected;        /* said so once */

        bool no_lists;        /* it cannot list the participants of a session */
        uint8_t lists_epoch;  /* what was found out about that before says nothing; never 0 */
        uint64_t lists_since; /* serial: nor what was asked before */
} Host;

/* What the log was told of something that happens again and again: so much at once, and from then
 * on one line in a while, which says how much was not told. */
typedef struct Telling {
        unsigned burst;
        usec_t pace_usec;
        unsigned n_untold; /* since it was last told of one */
        usec_t full_at;    /* CLOCK_BOOTTIME: so many can be told at once again */
} Telling;

struct Core {
        CoreConfig config;
        Now now; /* of the call that is being served */
        uint64_t seed, last_serial, generation;

        Registry registry;
        Tombstones tombstones;
        Index adopting[_KIND_MAX]; /* by id: what somebody waits for, and is not in the registry */
        Counters counters, shown_counters;
        uint32_t n_shown[_KIND_MAX], n_pending;

        struct Activities touched, ready[_PRIORITY_MAX];
        struct Objects woken;
        TAILQ_HEAD(, Waiter) waiters; /* by reply_by, which is the order of arrival */

        TAILQ_HEAD(, Departure) departures; /* clients that have left the bus */
        Telling leaving;                    /* of these */
        uint32_t last_left;                 /* whose it was, of those that were not told */

        struct Flights flights;
        unsigned n_flights, n_posts;
        Bucket bucket;
        Host host;
        Telling telling;
        Storage storage;
        bool stopping, suspended;
        CopyKind copy;                /* what was restored */
        uint32_t n_unread, n_awaited; /* objects of a copy */

        bool syncing[_KIND_MAX]; /* everything from there on is still to be looked at */
        uint64_t sync_cursor[_KIND_MAX];

        Effect *effects; /* of the next batch */
        size_t n_effects, n_effects_allocated;
        Batch *batch; /* on its way */
        Object **batch_objects;
};

/* How long after a change its session is read again: what changes together is read once. */
#define LOOK_AFTER_CHANGE_USEC (200 * USEC_PER_MSEC)

/* Sessions live nine hours (Bandwidth's call-flow page). */
#define SESSION_LIFETIME_USEC (9 * USEC_PER_HOUR)

/* Every function here returns 0 or -ENOMEM, where it returns anything. */

/* --- seal.c --- */

Batch *batch_free(Batch *batch);

/* --- touch.c: objects that changed, or that must be decided about anew --- */

/* To be called before anything in a row is changed: keeps what clients see apart from it. */
int core_touch(Core *core, Object *object);
void core_wake(Core *core, Object *object);
/* A session of the registry by number, NULL: there is none (any more), or @number is 0. */
Object *core_session(const Core *core, uint64_t number);
/* Wakes a session and all that are wanted or observed there. */
void core_wake_session(Core *core, uint64_t session);
/* Moves a member between sessions' lists after its wanted or observed place changed. */
int core_set_wanted(Core *core, Object *object, Place *wanted);
int core_set_observed(Core *core, Object *object, Place *observed);
/* A publisher that leaves drops out of the lists of those who wanted to hear it, which is a change
 * to be sent. Where it was taken away at the API (@drifted), the API has settled the others' lists
 * itself; a read corrects what it did not. */
int core_drop_publisher(Core *core, Object *publisher, uint64_t session, bool drifted);
/* A session is gone, and with it whatever one member wanted or had there. */
int core_release_member(Core *core, Object *member, uint64_t session);
/* A session is not there any more: those who wanted or were observed there are nowhere. */
int core_dissolve(Core *core, Object *session);
/* Something was confirmed. What has failed with a session is told until the next intent. */
int core_clear_error(Row *row);
/* Takes an object out of the registry, with the next batch. @tombstone: its id must not come back
 * by a late answer. */
int core_remove(Core *core, Object *object, bool tombstone);
/* After a step failed: when to try again. */
int core_back_off(Core *core, Object *object, Outcome outcome, const char *message);
/* Looks at an object, or at the session that answers for it, no later than after @delay. */
void core_look_soon(Core *core, Object *object, usec_t delay);
/* The session whose list answers for a participant, NULL: it answers for itself. */
Object *core_reader(const Core *core, const Object *object);

/* --- reply.c: who waits for what --- */

int core_reply(Core *core, uint64_t ticket, Outcome outcome, const Object *object,
               const char *message);
/* One that does not @wait for the API is answered when its batch is sealed, unless something else
 * has become of it by then. */
int waiter_new(Core *core, Object *object, IntentKind kind, uint64_t ticket, bool wait,
               Waiter **ret);
void waiter_free(Core *core, Waiter *waiter);
/* Answers those whose revisions are agreed. */
int waiters_settle(Core *core, Object *object);
/* It will take longer: when the batch is sealed, success for changes; with all, Unavailable for
 * reads. */
void waiters_pass(Core *core, Object *object);
void waiters_pass_all(Core *core);
/* Changes that wait for a revision up to @limit of some aspect; never creators and deleters. */
int waiters_fail(Core *core, Object *object, const uint32_t limit[_ASPECT_MAX], Outcome outcome,
                 const char *message);
/* Those that want to be in a session which is gone. */
int waiters_fail_session(Core *core, Object *object, uint64_t session);
int waiters_fail_all(Core *core, Object *object, Outcome outcome, const char *message);
/* The like, with an answer that is about another object, which stands for this one. */
int waiters_end(Core *core, Object *object, const Object *as, Outcome outcome, const char *message);
/* Those that wait for the creation itself. */
int waiters_fail_creators(Core *core, Object *object, Outcome outcome, const char *message);
/* Those that adopt it, of one client of the bus. */
bool waiters_have_adopter(const Object *object, const char *client_name);
int waiters_fail_adopters(Core *core, Object *object, const char *client_name, Outcome outcome,
                          const char *message);
/* Those whose read has come back. */
int waiters_read(Core *core, Object *object, Outcome outcome, const char *message);
/* A later intent for @aspect replaces what was not sent yet. */
int waiters_supersede(Core *core, Object *object, Aspect aspect);
/* Those whose time is over get their success. */
int waiters_expire(Core *core);
bool waiters_have(const Object *object, IntentKind kind);
/* Whether a creation that joins a session in the same intent is still waited for, and no later
 * intent has replaced that membership. */
bool waiters_create_and_join(const Object *object);
/* The oldest call, apart from reads, that is not as good as answered, and on which nothing stands
 * that was accepted later; NULL: there is none. */
const Waiter *waiters_first_open(const Object *object);
/* What is wanted of an aspect stands, whatever becomes of the calls of now. */
void waiters_stand_on(Object *object, Aspect aspect);
/* All calls, apart from reads, that are not as good as answered. */
int waiters_fail_open(Core *core, Object *object, Outcome outcome, const char *message);
/* Effects for the next batch; what is passed is moved from, also on failure. */
int core_effect(Core *core, Effect *effect);
__attribute__((format(printf, 5, 6))) int core_log(Core *core, LogEvent event, int level,
                                                   const Object *object, const char *format, ...);
/* The like, with what is known of the attempt. */
int core_log_answer(Core *core, LogEvent event, int level, const Flight *flight,
                    const Answer *answer, const char *text);
/* The like, of an attempt that came to nothing: the API's own words. */
int core_log_failure(Core *core, LogEvent event, int level, const Flight *flight,
                     const Answer *answer);

/* --- intend.c --- */

/* Somebody wants an object that is not on its way out yet to be deleted. */
int core_want_gone(Core *core, Object *object);

/* --- client.c: objects that live as long as a client of the bus --- */

/* Marks what belongs to clients that have left, some in each turn. */
int departures_take(Core *core);
/* How many of them were not told. */
int departures_tell_late(Core *core);
void departures_deinit(Core *core);

/* --- host.c: the API as a whole --- */

/* Whether anything may be sent at all, probes included, as far as it is for us to say. */
bool host_may_send(const Core *core);
/* Whether requests other than probes may be sent. */
bool host_open(const Core *core);
/* Whether a probe may be sent. */
bool host_may_probe(const Core *core);
/* Goes on with the pause that the API has asked for before the last run ended, or asks what it is
 * like. */
int host_start(Core *core);
/* Whether a creation may be sent, if anything may: not while it is being asked what the API is
 * like. */
bool host_may_create(const Core *core);
/* What an answer says about the host, beside what it says about its object. */
int host_note(Core *core, const Flight *flight, const Answer *answer);
/* While it refuses our credentials: calls that stayed here since it said so are withdrawn, too. */
int host_withdraw(Core *core);
/* The probe that is out never was, or will not be heard of. */
void host_probe_again(Core *core);
/* Sends a probe where one is due. */
int host_drive(Core *core);
/* The next time at which host_drive() has something to do. */
usec_t host_deadline(const Core *core);

/* --- telling.c: what the log says, however often --- */

bool telling_may(const Telling *telling, usec_t now);
void telling_has_told(Telling *telling, usec_t now);
/* When what was not told is due. */
usec_t telling_due(const Telling *telling);

/* Its state has changed. @answer: what says so, NULL for one that is online. */
int telling_change(Core *core, ApiState before, const Answer *answer);
/* What is so by now, where changes of state were not told. */
int telling_late(Core *core);

/* --- drive.c: from facts to requests --- */

/* Decides about all that were woken, and starts what the budget allows. */
int core_drive(Core *core);
/* What is so for an object at this moment, for plan_next(). */
Facts object_facts(const Core *core, const Object *object);
/* The i-th publisher of @wanted, where it is still to come there; NULL: it is not waited for. */
const Object *publisher_awaited(const Core *core, const Place *wanted, size_t i);
/* Takes an object out of the queue that it stands in, if any. */
void core_unready(Core *core, Object *object);
int flight_new(Core *core, Object *object, StepKind step, Operation operation, Flight **ret);
Flight *flight_free(Core *core, Flight *flight);

/* --- attempt.c: what is tried next, and when --- */

/* Whether an object's next step waits for something about that session. */
bool core_waits_for_session(const Core *core, const Object *object, const Object *session);

/* --- observe.c: what reads say --- */

int core_observe_read(Core *core, Flight *flight, const Answer *answer);
/* Who is in a session that was just read. */
int core_observe_list(Core *core, Object *session, const Flight *flight, const Answer *answer);
/* The first look at one that was just adopted. @session: in whose list it was seen, NULL: in
 * none. */
int core_observe_adopted(Core *core, Object *object, const Object *session,
                         const Sighting *sighting);
/* An object was read, and compared. */
int core_verified(Core *core, Object *object);
/* Whoever stands in a session's list, nearly always one of its few members; NULL: nobody here. */
Object *core_listed(const Core *core, const Object *session, const ApiId *id);

/* Whether a read that began with @serial says anything about an object. */
bool core_observation_counts(const Object *object, uint64_t serial);
/* Members that @flight did not show: each is read before anything is concluded. */
void core_observe_missing(Core *core, Object *session, const Flight *flight);

/* --- members.c: who is in a session, where the API has no list --- */

/* Whether the list of a session is to be asked for, rather than the session. */
bool core_has_list(const Core *core, const Object *session);
/* From now on it is another API, or another look at it. What is known of its lists stays known. */
void core_lists_anew(Core *core);
/* 403 on the list: the session is read next. */
void core_list_refused(Core *core, Object *session, const Flight *flight);
/* The session was read: if its list was refused, then there are no lists. */
int core_list_decide(Core *core, Object *session);
/* What a session itself says about who is in it. */
int core_observe_members(Core *core, Object *session, const Flight *flight, const Answer *answer);

/* --- copy.c: a state that is not the newest --- */

/* Makes of a copied state what can be told without the API, before anything is driven. */
int copy_start(Core *core);
/* Whether a change of an object has to wait, because not all of the copy has been read. */
bool copy_holds(const Core *core, const Object *object);
/* An object was read, or is not there any more. */
int copy_note_read(Core *core, Object *object);
/* It could not be read. Where that is its own fault, others do not wait for it. */
void copy_note_failed(Core *core, Object *object, ApiOutcome outcome);

/* --- drift.c: what somebody else has changed --- */

/* Nothing is open, and something else is seen than what is wanted: that is put back, or it is taken
 * over. What is put back is driven like an intent of a client that was accepted. */
int core_drift(Core *core, Object *object, Place *seen);
bool core_drift_is_put_back(const Core *core, const Object *object, const Place *seen);
int core_drift_adopt(Core *core, Object *object, Place *seen);

/* --- adopt.c: what somebody else has made --- */

/* Those in the list of a session whom nobody here knows get a row, as members who hear nothing yet;
 * .listed_by says that they are from this list, .synced_at that they are still to be looked at. */
int core_adopt_strangers(Core *core, Object *session, const Flight *flight, const Answer *answer);
int core_intend_adopt(Core *core, const Intent *intent, uint64_t ticket, uint64_t *ret_number,
                      const char **ret_reason);
/* The like where only its id is known: it is read, and comes in if it is in a session of ours. */
int core_adopt_met(Core *core, Object *session, const ApiId *id, const Flight *flight);
/* What was read of one that is to be adopted: it comes in, is read further, or is given up. */
int core_adoption_answer(Core *core, Object *object, Flight *flight, const Answer *answer);
/* Nobody gets it. */
int core_adoption_fail(Core *core, Object *object, Outcome outcome, const char *message);
/* What somebody may wait for has come in by another way. */
int core_adoption_settle(Core *core, const Object *here);
/* Nobody waits for it any more. */
Object *core_adoption_free(Core *core, Object *object);
/* What was to live as long as a client that has left is not adopted. */
int core_adoptions_leave(Core *core, const char *client_name);
bool core_adoptions_have(const Core *core, const char *client_name);
void core_adoptions_deinit(Core *core);

/* --- refuse.c: intents that come to nothing --- */

/* A creation came to nothing before the API gave an id. */
int core_refuse_create(Core *core, Object *object, Outcome outcome, const char *message);
/* A creation whose caller still waits is taken back: an error reply leaves nothing behind. */
int core_uncreate(Core *core, Object *object, Outcome outcome, const char *message);
/* A creation came to nothing after its reply had gone: it stays, failed, until it is deleted. */
int core_fail(Core *core, Object *object, Outcome outcome, const char *message);
/* Copies what was observed to what is wanted, unless a later intent than the one that was sent is
 * waiting. Calls with a revision up to the one sent get the error. */
int core_roll_back(Core *core, Object *object, Aspect aspect, const uint32_t sent_rev[_ASPECT_MAX],
                   Outcome outcome, const char *message);
/* How loud that is logged: who waits is told of it, and else the log and LastError alone tell. */
int core_refusal_level(const Object *object);
/* The API refused for good what @flight asked for. */
int core_refuse(Core *core, Object *object, const Flight *flight, const Answer *answer);
/* What was observed is wanted from now on, and agreed. */
int core_fall_back(Core *core, Object *object);
/* The place that is left of @from: nowhere where its session is gone, and without publishers that
 * are on their way out or have left. */
int core_place_left(Core *core, Place **ret, Place *from);
Outcome outcome_of(ApiOutcome outcome);

/* --- withdraw.c: the API refused our credentials --- */

/* What was accepted, and is not agreed yet, is what is wanted again. The object was touched. */
int core_go_back(Core *core, Object *object, const Stand *stand);
/* Calls that nothing was sent for are refused and withdrawn, of all objects, or of one. */
int core_withdraw(Core *core, Outcome outcome, const char *message);
int core_withdraw_object(Core *core, Object *object, Outcome outcome, const char *message);

/* --- answer.c --- */

/* A request that was decided and is not let out: it never was. */
int core_withhold(Core *core, uint64_t serial);

/* Whether CreateRepeats= grants a creation another attempt; and that it does not. */
bool core_may_create(const Core *core, const Object *object);
int core_give_up(Core *core, Object *object);
/* A creation of which the API never told what became of it. */
int core_unknown(Core *core, Object *object, const Flight *flight, const Answer *answer);
/* Counts a creation of which the API will not tell any more what became, and says so with @text. */
int core_note_unknown(Core *core, Object *object, const char *text);
