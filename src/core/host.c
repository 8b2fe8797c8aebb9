/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "core/internal.h"

/*
 * What is known of the API as a whole. Anything but a probe is sent only while it is unknown or
 * online; a probe is a GET, so a POST is never what finds out.
 *
 *     unknown ──▶ online ──▶ suspect (asks at once) ──▶ offline ─┐
 *                   ▲  └──▶ throttled, unauthorized ──┐          │
 *                   └──────── a probe passes ─────────┴──────────┘
 *
 * A start with something in the registry asks first, too: whoever is started in an outage must not
 * send all that waits into it.
 *
 * Each throttling halves the pace, and good answers let it grow again. An API that is slower than
 * what is configured so throttles again and again while the pace finds its own: that is one state
 * and one line in the log, and not one for each time. It stays throttled then, though open once a
 * probe has passed, until it was calm for a while and another probe has passed.
 */

/* How long it must not have been throttled to be online again, where it was throttled
 * repeatedly. */
#define CALM_USEC USEC_PER_MIN

/* An id that cannot exist: version and variant are missing from it. */
static const char nowhere[] = "00000000-0000-0000-0000-000000000000";

/* Whether it answers, as far as is known. */
static bool host_answers(const Host *host) {
        switch (host->state) {
        case API_STATE_UNKNOWN:
        case API_STATE_ONLINE:
                return true;
        case API_STATE_THROTTLED:
                return !host->paused;
        case API_STATE_OFFLINE:
        case API_STATE_UNAUTHORIZED:
        case _API_STATE_MAX:
                break;
        }
        return false;
}

bool host_may_send(const Core *core) {
        return !core->stopping && !core->suspended;
}

/* Whether nothing was heard of it yet, and it is being asked. */
static bool host_asks_first(const Host *host) {
        return host->state == API_STATE_UNKNOWN && (host->suspect || host->probe);
}

bool host_open(const Core *core) {
        return core->host.usable && host_may_send(core) &&
               core->host.quiet_until <= core->now.boottime && host_answers(&core->host) &&
               !host_asks_first(&core->host);
}

bool host_may_probe(const Core *core) {
        return host_may_send(core) && core->host.quiet_until <= core->now.boottime;
}

bool host_may_create(const Core *core) {
        return !core->host.suspect && !core->host.probe;
}

/* @answer: what says so, NULL for an API that is online. */
static int host_go(Core *core, ApiState state, const Answer *answer) {
        ApiState before = core->host.state;

        core->host.state = state;
        core->host.suspect = false;
        if (state != API_STATE_THROTTLED)
                core->host.paused = false;
        if (state == before)
                return 0;
        if (state == API_STATE_ONLINE) {
                core->host.n_failed = 0;
                core->host.probe_at = USEC_NEVER;
        }
        return telling_change(core, before, answer);
}

/* The pause is over. Whether that is all, time will tell. */
static int host_resume(Core *core) {
        Host *host = &core->host;

        host->paused = false;
        host->n_failed = 0;
        if (!host->held || host->calm_at <= core->now.boottime)
                return host_go(core, API_STATE_ONLINE, NULL);
        host->probe_at = host->calm_at;
        return 0;
}

static int host_good(Core *core, const Flight *flight, bool probe) {
        Host *host = &core->host;

        host->last_contact_at = core->now.realtime;
        if (flight->serial > host->throttled_serial)
                bucket_speed_up(&core->bucket, core->now.boottime);
        if (probe)
                host->suspect = false;
        /* Only a probe shows that the pause is over, or that the credentials are good again, and
         * only one that was not on its way before. */
        if (!probe && (host->state == API_STATE_THROTTLED || host->state == API_STATE_UNAUTHORIZED))
                return 0;
        if (host->quiet_until > core->now.boottime)
                return 0;
        if (!host->usable)
                return 0;
        if (host->state == API_STATE_ONLINE)
                return 0;
        if (host->state == API_STATE_THROTTLED)
                return host_resume(core);
        return host_go(core, API_STATE_ONLINE, NULL);
}

static usec_t host_backoff(Core *core) {
        return core->now.boottime + backoff_delay(core->config.retry_min_usec,
                                                  core->config.retry_max_usec, core->host.n_failed,
                                                  &core->seed);
}

/* While the credentials are refused. */
static void host_probe_rarely(Core *core) {
        core->host.probe_at = usec_add(core->now.boottime,
                                       jitter_around(core->config.retry_max_usec, &core->seed));
}

static int host_offline(Core *core, bool probe, const Answer *answer) {
        Host *host = &core->host;
        int r;

        if (host->state == API_STATE_UNAUTHORIZED) {
                /* Not the same as offline, and never taken for it. */
                if (probe)
                        host_probe_rarely(core);
                return 0;
        }
        if (probe || host->state != API_STATE_OFFLINE) {
                host->n_failed++;
                host->probe_at = host_backoff(core);
        }
        r = host_go(core, API_STATE_OFFLINE, answer);
        if (r >= 0)
                waiters_pass_all(core);
        return r;
}

/* One more throttling: slower from now on. */
static void host_slow_down(Core *core) {
        Host *host = &core->host;

        host->n_failed++;
        host->throttled_serial = core->last_serial;
        if (!host->paused)
                host->held = core->now.boottime < host->calm_at;
        bucket_slow_down(&core->bucket, core->now.boottime);
}

/* The longest pause that anybody is granted. */
static usec_t pause_max(const Core *core) {
        return usec_max(core->config.retry_max_usec, USEC_PER_SEC);
}

/* For a start in between. Whole seconds, so that answers of the same moment are stored once. */
static void keep_quiet(Core *core) {
        usec_t until = usec_add(core->now.realtime, core->host.quiet_until - core->now.boottime);

        core->counters.quiet_until = (until + USEC_PER_SEC - 1) / USEC_PER_SEC * USEC_PER_SEC;
}

int host_start(Core *core) {
        static const Answer before = {
                .message = "it did so before this start, and the pause is not over yet.",
                .request_id = ""
        };
        Host *host = &core->host;
        const usec_t now = core->now.realtime, until = core->counters.quiet_until;

        host->suspect = core->registry.n_objects > 0 && host->state == API_STATE_UNKNOWN;
        if (until <= now)
                return 0;
        host->quiet_until = core->now.boottime + usec_min(until - now, pause_max(core));
        /* A clock that was set back must not bring the pause back with every start. */
        if (until - now > pause_max(core))
                keep_quiet(core);
        if (host->state == API_STATE_UNAUTHORIZED)
                return 0;
        host->paused = true;
        host->probe_at = host->quiet_until;
        return host_go(core, API_STATE_THROTTLED, &before);
}

static int host_throttled(Core *core, const Flight *flight, const Answer *answer) {
        Host *host = &core->host;
        /* What was sent together is throttled together: that is one failure, and one pause. */
        bool again = flight->serial > host->throttled_serial;
        usec_t until = core->now.boottime;
        int r;

        if (host->state != API_STATE_THROTTLED)
                host->n_failed = 0;
        if (again)
                host_slow_down(core);
        if (answer->has_retry_after) {
                usec_t span = usec_max(answer->retry_after_usec, USEC_PER_SEC);

                until = core->now.boottime + usec_min(span, pause_max(core));
        } else if (again) {
                until = host_backoff(core);
        }
        /* Several answers may say so; the longest pause counts. */
        if (until > host->quiet_until) {
                host->quiet_until = until;
                if (answer->has_retry_after)
                        keep_quiet(core);
        }
        host->calm_at = usec_add(host->quiet_until, CALM_USEC);
        if (host->state == API_STATE_UNAUTHORIZED) {
                host_probe_rarely(core);
                return 0;
        }
        host->paused = true;
        host->probe_at = host->quiet_until;
        r = host_go(core, API_STATE_THROTTLED, answer);
        if (r >= 0)
                waiters_pass_all(core);
        return r;
}

static int host_unauthorized(Core *core, const Answer *answer) {
        int r;

        /* A list that was refused lately was refused for that. */
        core_lists_anew(core);
        host_probe_rarely(core);
        core->host.denial = outcome_of(answer->outcome);
        r = host_go(core, API_STATE_UNAUTHORIZED, answer);
        return r < 0 ? r : core_withdraw(core, core->host.denial, answer->message);
}

int host_withdraw(Core *core) {
        if (core->host.state != API_STATE_UNAUTHORIZED || core->host.denial == OUTCOME_DONE)
                return 0;
        return core_withdraw(core, core->host.denial, "The API refuses the credentials.");
}

static int host_redirected(Core *core, const Flight *flight, bool probe, const Answer *answer) {
        int r = 0;

        if (!core->host.redirected)
                r = core_log_answer(core, LOG_EVENT_REDIRECTED, 3, flight, answer,
                                    "The API answers with a redirect, which is never followed; "
                                    "BaseUrl is probably wrong.");
        core->host.redirected = true;
        return r < 0 ? r : host_offline(core, probe, answer);
}

static int host_suspect(Core *core, bool probe, const Answer *answer) {
        if (probe)
                return host_offline(core, true, answer);
        if (host_answers(&core->host))
                core->host.suspect = true;
        return 0;
}

static int host_take(Core *core, const Flight *flight, bool probe, const Answer *answer) {
        switch (answer->outcome) {
        case API_REFUSED:
                /* That something answers says nothing of the API. */
                if (answer->foreign)
                        return probe ? host_offline(core, true, answer) : 0;
                /* fall through */
        case API_OK:
        case API_NOT_FOUND:
        case API_CONFLICT:
                return host_good(core, flight, probe);
        case API_NOT_SENT:
                return host_offline(core, probe, answer);
        case API_REDIRECTED:
                return host_redirected(core, flight, probe, answer);
        case API_NO_ANSWER:
        case API_NOT_UNDERSTOOD:
        case API_BROKEN:
                return host_suspect(core, probe, answer);
        case API_THROTTLED:
                return host_throttled(core, flight, answer);
        case API_FORBIDDEN:
                /* Whether it is that, or that there is no such route, the session itself tells. */
                if (flight->operation == OPERATION_LIST_PARTICIPANTS)
                        return 0;
                /* fall through */
        case API_UNAUTHORIZED:
                return host_unauthorized(core, answer);
        case _API_OUTCOME_MAX:
                break;
        }
        return 0;
}

/* What was asked with the credentials of before, or on the way of before, must not delay the probe
 * that asks anew. Once that has ended, all is as usual. */
static void host_ask_anew(Core *core, const Flight *flight, bool probe) {
        Host *host = &core->host;

        if (flight->serial > host->outdated) {
                if (probe)
                        host->outdated = 0;
        } else if (host->probe_at != USEC_NEVER) {
                host->probe_at = usec_min(host->probe_at, core->now.boottime);
        }
}

int host_note(Core *core, const Flight *flight, const Answer *answer) {
        bool probe = core->host.probe == flight;
        int r;

        if (probe)
                core->host.probe = NULL;
        if (answer->dropped) /* of a change: what is asked in vain is withheld */
                return 0;
        r = host_take(core, flight, probe, answer);
        host_ask_anew(core, flight, probe);
        return r;
}

void host_probe_again(Core *core) {
        Host *host = &core->host;

        host->probe = NULL;
        if (host->state == API_STATE_UNKNOWN || host->state == API_STATE_ONLINE)
                host->suspect = true;
        else
                host->probe_at = usec_min(host->probe_at, core->now.boottime);
}

static bool host_wants_probe(const Core *core) {
        const Host *host = &core->host;

        if (!host->usable || !host_may_probe(core) || host->probe)
                return false;
        return host->suspect || host->probe_at <= core->now.boottime;
}

int host_drive(Core *core) {
        Flight *flight;
        Effect effect = { .kind = EFFECT_REQUEST };
        int r;

        if (!host_wants_probe(core) || core->n_flights >= core->config.requests_max ||
            !bucket_take(&core->bucket, core->now.boottime))
                return 0;

        r = flight_new(core, NULL, STEP_LOOK, OPERATION_GET_SESSION, &flight);
        if (r < 0)
                return r;
        core->host.probe = flight;
        core->host.suspect = false;
        core->host.probe_at = USEC_NEVER;
        effect.request = (Request){ .serial = flight->serial,
                                    .operation = OPERATION_GET_SESSION,
                                    .probe = true,
                                    .attempt = core->host.n_failed + 1 };
        api_id_set(&effect.request.session, nowhere);
        return core_effect(core, &effect);
}

usec_t host_deadline(const Core *core) {
        const Host *host = &core->host;

        if (!host->usable || !host_may_send(core) || host->probe)
                return USEC_NEVER;
        if (!host->suspect && host->probe_at > core->now.boottime)
                return usec_max(host->probe_at, host->quiet_until);
        if (core->n_flights >= core->config.requests_max)
                return USEC_NEVER;
        return usec_max(bucket_ready_at(&core->bucket, core->now.boottime), host->quiet_until);
}
