-- Times are nanoseconds since 1970 (UTC), money is billionths of a dollar, hashes are signed 64-bit numbers.

-- A session of an agent. Rows with hidden = 1 stand for calls of an agent that knows no session. A session that no log record
-- names (sighted = 0) is listed only as long as it has calls: it may be a trace whose calls turned out to belong elsewhere.
CREATE TABLE sessions (
    ref          INTEGER PRIMARY KEY,
    id           TEXT    NOT NULL,
    hidden       INTEGER NOT NULL DEFAULT 0,
    sighted      INTEGER NOT NULL DEFAULT 0,
    name         TEXT,
    agent        TEXT,
    user         TEXT,
    project      TEXT,
    machine      TEXT,
    task_status  TEXT,
    completed    INTEGER NOT NULL DEFAULT 0,
    started_at   INTEGER NOT NULL,
    last_seen_at INTEGER NOT NULL,
    UNIQUE (id, hidden)
);
CREATE INDEX sessions_by_last_sign ON sessions (last_seen_at);

CREATE TABLE models (
    ref      INTEGER PRIMARY KEY,
    name     TEXT NOT NULL,
    provider TEXT NOT NULL,
    UNIQUE (name, provider)
);

-- One row a call, however many witnesses told of it.
CREATE TABLE calls (
    time                  INTEGER NOT NULL,
    id                    INTEGER NOT NULL,
    session               INTEGER NOT NULL REFERENCES sessions (ref),
    model                 INTEGER NOT NULL REFERENCES models (ref),
    counted               INTEGER NOT NULL,
    uncached_input        INTEGER NOT NULL,
    cache_read            INTEGER NOT NULL,
    cache_write_5m        INTEGER NOT NULL,
    cache_write_1h        INTEGER NOT NULL,
    output                INTEGER NOT NULL,
    reasoning             INTEGER NOT NULL,
    knows_cache_lifetimes INTEGER NOT NULL,
    priced                INTEGER NOT NULL,
    cost                  INTEGER NOT NULL,
    computed_cost         INTEGER,
    reported_cost         INTEGER,
    fast                  INTEGER NOT NULL,
    service_tier          TEXT,
    geography             TEXT,
    web_searches          INTEGER NOT NULL,
    duration              INTEGER,
    error                 TEXT,
    sources               INTEGER NOT NULL,
    PRIMARY KEY (time, id)
) WITHOUT ROWID;
CREATE INDEX calls_by_session ON calls (session, time);

-- Who saw which call, with which numbers. Calls can be made anew from this table alone.
CREATE TABLE observations (
    time                  INTEGER NOT NULL,
    id                    INTEGER NOT NULL,
    source                INTEGER NOT NULL,
    witness               INTEGER NOT NULL,
    authority             INTEGER NOT NULL,
    request_key           INTEGER NOT NULL,
    response_key          INTEGER NOT NULL,
    lineage_key           INTEGER NOT NULL,
    weak_key              INTEGER NOT NULL,
    weak_window           INTEGER NOT NULL,
    span                  INTEGER NOT NULL,
    ancestors             TEXT,
    roll_up               INTEGER NOT NULL,
    session               TEXT,
    session_is_trace      INTEGER NOT NULL,
    agent                 TEXT,
    provider              TEXT,
    model                 TEXT,
    user                  TEXT,
    project               TEXT,
    machine               TEXT,
    uncached_input        INTEGER NOT NULL,
    cache_read            INTEGER NOT NULL,
    cache_write_5m        INTEGER NOT NULL,
    cache_write_1h        INTEGER NOT NULL,
    output                INTEGER NOT NULL,
    reasoning             INTEGER NOT NULL,
    knows_cache_lifetimes INTEGER NOT NULL,
    reported_cost         INTEGER,
    fast                  INTEGER NOT NULL,
    service_tier          TEXT,
    geography             TEXT,
    web_searches          INTEGER NOT NULL,
    duration              INTEGER,
    error                 TEXT,
    PRIMARY KEY (time, id)
) WITHOUT ROWID;

-- The ids by which a call is known. An id is unique whatever its time, so this table alone is not ordered by time.
CREATE TABLE call_keys (
    key         INTEGER NOT NULL,
    time        INTEGER NOT NULL,
    observation INTEGER NOT NULL,
    PRIMARY KEY (key, time, observation)
) WITHOUT ROWID;

-- Resemblances, spans and ancestors, in buckets of time, because only what is near can belong together.
CREATE TABLE links (
    bucket      INTEGER NOT NULL,
    link        INTEGER NOT NULL,
    kinds       INTEGER NOT NULL,
    time        INTEGER NOT NULL,
    observation INTEGER NOT NULL,
    PRIMARY KEY (bucket, link, kinds, time, observation)
) WITHOUT ROWID;

-- Sums of counted calls by quarter of an hour: the finest step by which time zones differ, so that days of every zone are exact.
CREATE TABLE rollup (
    quarter        INTEGER NOT NULL,
    session        INTEGER NOT NULL,
    model          INTEGER NOT NULL,
    calls          INTEGER NOT NULL,
    unpriced       INTEGER NOT NULL,
    uncached_input INTEGER NOT NULL,
    cache_read     INTEGER NOT NULL,
    cache_write_5m INTEGER NOT NULL,
    cache_write_1h INTEGER NOT NULL,
    output         INTEGER NOT NULL,
    reasoning      INTEGER NOT NULL,
    cost           INTEGER NOT NULL,
    PRIMARY KEY (quarter, session, model)
) WITHOUT ROWID;
CREATE INDEX rollup_by_session ON rollup (session);

-- Who sent a record: its resource and scope as OTLP/JSON.
CREATE TABLE origins (
    ref      INTEGER PRIMARY KEY,
    hash     INTEGER NOT NULL UNIQUE,
    resource TEXT NOT NULL,
    scope    TEXT NOT NULL
);

-- Every record as OTLP/JSON; a record that is sent again is the same row.
CREATE TABLE records (
    time    INTEGER NOT NULL,
    id      INTEGER NOT NULL,
    signal  TEXT    NOT NULL,
    session INTEGER,
    name    TEXT    NOT NULL,
    origin  INTEGER NOT NULL REFERENCES origins (ref),
    body    TEXT    NOT NULL
);
CREATE UNIQUE INDEX records_by_time ON records (time, id);
