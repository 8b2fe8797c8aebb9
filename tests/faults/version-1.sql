-- SPDX-License-Identifier: LGPL-2.1-or-later
--
-- A state file as the first version made it, with nothing in it. What has been released is never
-- changed again: neither is this.

PRAGMA application_id = 0x636f6e76;
PRAGMA user_version = 1;

CREATE TABLE identity (
        one INTEGER PRIMARY KEY CHECK (one = 1),
        account_id TEXT NOT NULL,
        base_url TEXT NOT NULL
) STRICT;

CREATE TABLE counters (
        one INTEGER PRIMARY KEY CHECK (one = 1),
        last_session INTEGER NOT NULL,
        last_participant INTEGER NOT NULL,
        suspected_orphans INTEGER NOT NULL
) STRICT;

INSERT INTO counters VALUES (1, 0, 0, 0);

CREATE TABLE objects (
        kind INTEGER NOT NULL,
        number INTEGER NOT NULL,
        api_id TEXT,
        gone INTEGER NOT NULL,
        failed INTEGER NOT NULL,
        attempt_open INTEGER NOT NULL,
        has_token INTEGER NOT NULL,
        n_unknown INTEGER NOT NULL,
        owner INTEGER NOT NULL,
        lifetime INTEGER NOT NULL,
        created_at INTEGER NOT NULL,
        permissions INTEGER NOT NULL,
        at_most_once INTEGER NOT NULL,
        tag TEXT NOT NULL,
        callback_url TEXT NOT NULL,
        device_api_version TEXT NOT NULL,
        client_bus TEXT NOT NULL,
        client_name TEXT NOT NULL,
        wanted_mode INTEGER,
        wanted_session INTEGER,
        wanted_foreign TEXT,
        observed_mode INTEGER,
        observed_session INTEGER,
        observed_foreign TEXT,
        being_wanted INTEGER NOT NULL,
        being_agreed INTEGER NOT NULL,
        membership_wanted INTEGER NOT NULL,
        membership_agreed INTEGER NOT NULL,
        subscriptions_wanted INTEGER NOT NULL,
        subscriptions_agreed INTEGER NOT NULL,
        expires_at INTEGER NOT NULL,
        last_error INTEGER NOT NULL,
        last_message TEXT,
        synced_at INTEGER NOT NULL,
        n_failed INTEGER NOT NULL,
        PRIMARY KEY (kind, number),
        UNIQUE (kind, api_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE subscriptions (
        kind INTEGER NOT NULL,
        number INTEGER NOT NULL,
        side INTEGER NOT NULL,
        position INTEGER NOT NULL,
        publisher INTEGER NOT NULL,
        publisher_id TEXT,
        alias TEXT,
        PRIMARY KEY (kind, number, side, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE tokens (
        participant INTEGER PRIMARY KEY,
        token TEXT NOT NULL
) STRICT;

CREATE TABLE tombstones (
        kind INTEGER NOT NULL,
        api_id TEXT NOT NULL,
        number INTEGER NOT NULL,
        removed_at INTEGER NOT NULL,
        PRIMARY KEY (kind, api_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX tombstones_by_age ON tombstones (removed_at);
