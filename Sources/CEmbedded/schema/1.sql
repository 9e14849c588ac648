-- Times are nanoseconds since 1970 (UTC), money is billionths of a dollar, hashes are signed 64-bit numbers.

-- A session of an agent. Rows with hidden = 1 stand for calls of an agent that knows no session. A session that no log record
-- names (sighted = 0) is listed only as long as it has calls: it may be a trace whose calls turned out to belong elsewhere.
CREATE TABLE sessions (
    ref          INTEGER PRIMARY KEY,
    id           TEXT    NOT NULL,
    hidden       INTEGER NOT NULL DEFAULT 0,
    sighted      INTEGER NOT NULL DEFAULT 0,
    agent        TEXT,
    user         TEXT,
    project      TEXT,
    machine      TEXT,
    parent       TEXT,
    started_at   INTEGER NOT NULL,
    last_seen_at INTEGER NOT NULL,
    -- What can change, each with the time at which it was told; the later telling holds.
    name             TEXT,
    name_at          INTEGER,
    branch           TEXT,
    branch_at        INTEGER,
    agent_version    TEXT,
    agent_version_at INTEGER,
    task_status      TEXT,
    task_status_at   INTEGER,
    completed        INTEGER NOT NULL DEFAULT 0,
    completed_at     INTEGER,
    -- From what it is known: 1 telemetry and events, 2 session files, 3 both.
    knowledge        INTEGER NOT NULL DEFAULT 0,
    -- The revision in which the row last changed, the sums below left out.
    changed          INTEGER NOT NULL DEFAULT 0,
    -- Sums over the counted calls, so that a page can be sorted by them.
    calls            INTEGER NOT NULL DEFAULT 0,
    unpriced         INTEGER NOT NULL DEFAULT 0,
    uncached_input   INTEGER NOT NULL DEFAULT 0,
    cache_read       INTEGER NOT NULL DEFAULT 0,
    cache_write_5m   INTEGER NOT NULL DEFAULT 0,
    cache_write_1h   INTEGER NOT NULL DEFAULT 0,
    output           INTEGER NOT NULL DEFAULT 0,
    reasoning        INTEGER NOT NULL DEFAULT 0,
    cost             INTEGER NOT NULL DEFAULT 0,
    UNIQUE (id, hidden)
);
CREATE INDEX sessions_by_last_sign ON sessions (last_seen_at);
CREATE INDEX sessions_by_change ON sessions (changed);
CREATE INDEX sessions_by_parent ON sessions (parent) WHERE parent IS NOT NULL;

-- One number that every transaction raises: who has seen it has seen everything before.
CREATE TABLE revision (number INTEGER NOT NULL);
INSERT INTO revision VALUES (0);

CREATE TABLE models (
    ref      INTEGER PRIMARY KEY,
    name     TEXT NOT NULL,
    provider TEXT NOT NULL,
    -- How many counted calls have no price.
    unpriced INTEGER NOT NULL DEFAULT 0,
    UNIQUE (name, provider)
);

-- One row a call, however many witnesses told of it. The witnesses are what the other columns are made of, in the ledger's compact
-- form: the call can be made anew from them when another one comes.
CREATE TABLE calls (
    ref                   INTEGER PRIMARY KEY,
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
    duration              INTEGER,
    error                 TEXT,
    sources               INTEGER NOT NULL,
    witness_count         INTEGER NOT NULL,
    weakly_joined         INTEGER NOT NULL,
    witnesses             BLOB    NOT NULL
);
CREATE INDEX calls_by_session ON calls (session, time);
CREATE INDEX calls_unpriced ON calls (model, time) WHERE counted = 1 AND priced = 0;

-- Where the ids of calls, their spans and their resemblances lead: hashes in sorted runs, 256 a row as pairs of eight bytes (link and
-- call, little-endian). Each run has a filter that tells what it certainly does not hold. A pair may be stale: whoever follows it
-- looks whether the call still carries the link.
-- The migration "links in slices" (LinkIndex) moves both tables into others.
CREATE TABLE links (
    run      INTEGER NOT NULL,
    first    INTEGER NOT NULL,
    part     INTEGER NOT NULL,
    postings BLOB    NOT NULL,
    PRIMARY KEY (run, first, part)
) WITHOUT ROWID;

CREATE TABLE runs (
    run      INTEGER PRIMARY KEY,
    level    INTEGER NOT NULL,
    last_ref INTEGER NOT NULL,
    filter   BLOB    NOT NULL
);

-- The links that are not in a run yet, as pairs, too; a row for each commit.
CREATE TABLE link_tail (
    seq      INTEGER PRIMARY KEY,
    postings BLOB NOT NULL
);

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
CREATE INDEX rollup_by_session ON rollup (session, model);

-- The days (UTC, counted from 1970) of the sums, each with the revision in which they last changed.
CREATE TABLE rollup_days (
    day     INTEGER PRIMARY KEY,
    changed INTEGER NOT NULL
);

-- The records as the OTLP requests they came in (protobuf); one that is sent again is the same row. A body that is shorter than its
-- size is compressed (Zstandard).
CREATE TABLE batches (
    ref         INTEGER PRIMARY KEY,
    hash        INTEGER NOT NULL UNIQUE,
    signal      TEXT    NOT NULL,
    received_at INTEGER NOT NULL,
    first_time  INTEGER NOT NULL,
    last_time   INTEGER NOT NULL,
    records     INTEGER NOT NULL,
    size        INTEGER NOT NULL,
    body        BLOB    NOT NULL
);
CREATE INDEX batches_by_time ON batches (first_time);

-- Which log records of a batch belong to a session: the distances between their positions, seven bits to a byte.
CREATE TABLE session_batches (
    session   INTEGER NOT NULL,
    batch     INTEGER NOT NULL,
    positions BLOB    NOT NULL,
    PRIMARY KEY (session, batch)
) WITHOUT ROWID;
CREATE INDEX session_batches_by_batch ON session_batches (batch);
