// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import UsageDatabase

/// The tables in the database: made, checked and brought to the newest layout.
///
/// Each layout is a step that is never changed once it was released; a new one is added behind it.
public enum PostgreSQLSchema {
    /// The layout that this program reads and writes.
    static let layout = steps.count

    /// The statements that a database administrator applies where the collector may not (`create_schema: false`).
    ///
    /// - Parameter schema: The name of the schema.
    public static func statements(schema: String) -> String {
        let parts = steps.enumerated().map { "-- Layout \($0.offset + 1)\n\($0.element)" }
        return """
            -- Telemetry Hub in PostgreSQL 13 or newer. Apply it as the owner of the schema, in a database with the encoding UTF8.
            -- The user of the collectors needs:
            --   GRANT USAGE ON SCHEMA \(schema) TO collector;
            --   GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA \(schema) TO collector;
            -- Records of a day are in a partition of their own only if the collectors may make it: they own the tables then.
            BEGIN;
            CREATE SCHEMA IF NOT EXISTS \(schema);
            SET LOCAL search_path = \(schema);

            \(parts.joined(separator: "\n"))
            UPDATE state SET layout = \(layout);
            COMMIT;

            """
    }

    /// Makes the schema if it is missing, and applies the steps that it lacks, each in a transaction.
    ///
    /// One collector at a time, by an advisory lock that ends with the transaction.
    ///
    /// - Parameter last: The layout to end with.
    static func migrate(
        _ connection: PostgresConnection,
        schema: String,
        to last: Int = layout
    ) throws(PostgresError) {
        while true {
            try connection.execute("BEGIN")
            do throws(PostgresError) {
                try connection.run("SELECT pg_advisory_xact_lock(hashtext('hammurabi ' || $1))", [.text(schema)])
                let exists = try connection.run("SELECT to_regnamespace($1) IS NOT NULL", [.text(schema)]).first
                // Also who may not make schemas may use one that is there.
                if exists?.bool(0) != true { try connection.execute("CREATE SCHEMA \(schema)") }
                try connection.execute("SET LOCAL search_path = \(schema)")
                let present = try layout(connection, schema)
                guard present < last else { return try connection.execute("COMMIT") }
                try connection.execute(steps[present])
                try connection.run("UPDATE state SET layout = $1", [.int(Int64(present + 1))])
                try connection.execute("COMMIT")
            } catch {
                if connection.isOpen { try? connection.execute("ROLLBACK") }
                throw error
            }
        }
    }

    /// The layout of the tables that are there; 0 for none.
    static func layout(_ connection: PostgresConnection, _ schema: String) throws(PostgresError) -> Int {
        let found = try connection.run("SELECT to_regclass($1 || '.state') IS NOT NULL", [.text(schema)]).first
        guard found?.bool(0) == true else { return 0 }
        return Int(try connection.run("SELECT layout FROM \(schema).state").first?.int(0) ?? 0)
    }

    /// The steps from one layout to the next.
    ///
    /// Times are nanoseconds since 1970 (UTC), money is billionths of a dollar, hashes are signed 64-bit numbers, truths are 0 and 1. Texts
    /// are compared by their bytes, as all stores do.
    private static let steps = [
        """
        -- One row. Every transaction that writes locks it first, so that one collector writes at a time; revision rises with each.
        -- calls, sessions and models are the largest numbers of rows that were given out.
        CREATE TABLE state (
            one boolean PRIMARY KEY DEFAULT true CHECK (one), layout int NOT NULL, identity bigint NOT NULL,
            revision bigint NOT NULL DEFAULT 0, writer bigint NOT NULL DEFAULT 0, compacted_before bigint NOT NULL DEFAULT 0,
            calls bigint NOT NULL DEFAULT 0, sessions bigint NOT NULL DEFAULT 0, models bigint NOT NULL DEFAULT 0
        ) WITH (fillfactor = 20);
        INSERT INTO state (layout, identity)
            VALUES (1, ('x' || substr(replace(gen_random_uuid()::text, '-', ''), 1, 15))::bit(60)::bigint);

        -- Rows with hidden = 1 hold calls without a session. One that no record names (sighted = 0) is listed as long as it has calls.
        CREATE TABLE sessions (
            ref bigint PRIMARY KEY, id text COLLATE "C" NOT NULL, hidden smallint NOT NULL DEFAULT 0, sighted smallint NOT NULL DEFAULT 0,
            agent text COLLATE "C", "user" text COLLATE "C", project text COLLATE "C", machine text COLLATE "C",
            team text COLLATE "C", parent text COLLATE "C", started_at bigint NOT NULL, last_seen_at bigint NOT NULL,
            name text COLLATE "C", name_at bigint, branch text COLLATE "C", branch_at bigint,
            agent_version text COLLATE "C", agent_version_at bigint, task_status text COLLATE "C", task_status_at bigint,
            completed smallint NOT NULL DEFAULT 0, completed_at bigint, reported_cost bigint, reported_cost_at bigint,
            knowledge smallint NOT NULL DEFAULT 0, changed bigint NOT NULL DEFAULT 0,
            calls bigint NOT NULL DEFAULT 0, unpriced bigint NOT NULL DEFAULT 0, uncached_input bigint NOT NULL DEFAULT 0,
            cache_read bigint NOT NULL DEFAULT 0, cache_write_5m bigint NOT NULL DEFAULT 0, cache_write_1h bigint NOT NULL DEFAULT 0,
            output bigint NOT NULL DEFAULT 0, reasoning bigint NOT NULL DEFAULT 0, cost bigint NOT NULL DEFAULT 0,
            UNIQUE (id, hidden)
        ) WITH (fillfactor = 80);
        CREATE INDEX sessions_by_last_sign ON sessions (last_seen_at);
        CREATE INDEX sessions_by_change ON sessions (changed);
        CREATE INDEX sessions_by_parent ON sessions (parent) WHERE parent IS NOT NULL;

        -- unpriced: how many counted calls have no price. priced_by: how all calls are priced, 0 where that is not known.
        CREATE TABLE models (
            ref bigint PRIMARY KEY, name text COLLATE "C" NOT NULL, provider text COLLATE "C" NOT NULL,
            unpriced bigint NOT NULL DEFAULT 0, priced_by bigint NOT NULL DEFAULT 0, UNIQUE (name, provider)
        );

        -- One row a call, however many observations report it; they are what the other columns are made of. A session of 0: the call is
        -- older than the latest compaction and only kept to be recognised.
        CREATE TABLE calls (
            ref bigint PRIMARY KEY, time bigint NOT NULL, id bigint NOT NULL, session bigint NOT NULL, model bigint NOT NULL,
            counted smallint NOT NULL, uncached_input bigint NOT NULL, cache_read bigint NOT NULL, cache_write_5m bigint NOT NULL,
            cache_write_1h bigint NOT NULL, output bigint NOT NULL, reasoning bigint NOT NULL,
            knows_cache_lifetimes smallint NOT NULL, priced smallint NOT NULL, cost bigint NOT NULL, computed_cost bigint,
            reported_cost bigint, duration bigint, error text COLLATE "C", sources int NOT NULL, observation_count int NOT NULL,
            weakly_joined smallint NOT NULL, observations bytea NOT NULL
        ) WITH (fillfactor = 85);
        ALTER TABLE calls ALTER observations SET STORAGE MAIN;
        CREATE INDEX calls_by_session ON calls (session, time);
        CREATE INDEX calls_by_time ON calls USING brin (time) WITH (pages_per_range = 32);
        CREATE INDEX calls_unpriced ON calls (model, time) WHERE counted = 1 AND priced = 0;

        -- The blocks of 2,048 call numbers, each with the revision in which one of its calls last changed.
        CREATE TABLE call_blocks (block bigint PRIMARY KEY, changed bigint NOT NULL) WITH (fillfactor = 60);
        CREATE INDEX call_blocks_by_change ON call_blocks (changed);

        -- Where ids, spans and cells of resemblance lead. A row may be stale: who follows one looks whether the call still carries the link.
        -- kinds: of a cell, which kinds of ids its observation knows.
        CREATE TABLE links (link bigint NOT NULL, kinds smallint NOT NULL, ref bigint NOT NULL);
        CREATE INDEX links_by_link ON links (link, kinds, ref);

        -- Sums of counted calls by quarter of an hour: the finest step by which time zones differ.
        CREATE TABLE rollup (
            quarter bigint, session bigint, model bigint, calls bigint NOT NULL, unpriced bigint NOT NULL,
            uncached_input bigint NOT NULL, cache_read bigint NOT NULL, cache_write_5m bigint NOT NULL, cache_write_1h bigint NOT NULL,
            output bigint NOT NULL, reasoning bigint NOT NULL, cost bigint NOT NULL, PRIMARY KEY (quarter, session, model)
        ) WITH (fillfactor = 80);
        CREATE INDEX rollup_by_session ON rollup (session, model);
        -- The days (UTC, counted from 1970) of the sums, each with the revision in which they last changed.
        CREATE TABLE rollup_days (day bigint PRIMARY KEY, changed bigint NOT NULL) WITH (fillfactor = 60);

        -- The records as the OTLP requests they came in. The day is that of the first record, so one that is sent again meets its own row.
        CREATE TABLE batches (
            day bigint, hash bigint, signal text COLLATE "C" NOT NULL, received_at bigint NOT NULL, first_time bigint NOT NULL,
            last_time bigint NOT NULL, records bigint NOT NULL, size bigint NOT NULL, body bytea NOT NULL, PRIMARY KEY (day, hash)
        ) PARTITION BY RANGE (day);
        CREATE TABLE batches_other PARTITION OF batches DEFAULT;
        ALTER TABLE batches ALTER body SET STORAGE EXTERNAL;
        ALTER TABLE batches_other ALTER body SET STORAGE EXTERNAL;
        CREATE TABLE session_batches (session bigint, day bigint, hash bigint, positions bytea NOT NULL, PRIMARY KEY (session, day, hash))
            PARTITION BY RANGE (day);
        CREATE TABLE session_batches_other PARTITION OF session_batches DEFAULT;
        """,
        """
        -- The collectors that use the schema, and which of them has which duty until when; milliseconds since 1970 by the server's clock.
        CREATE TABLE collectors (
            id bigint PRIMARY KEY, host text COLLATE "C" NOT NULL, version text COLLATE "C" NOT NULL, started_at bigint NOT NULL,
            seen_at bigint NOT NULL
        ) WITH (fillfactor = 50);
        -- The sums of whole days in one value each, for summaries of many days; valid where changed is that of rollup_days.
        CREATE TABLE packed_days (day bigint PRIMARY KEY, changed bigint NOT NULL, sums bytea NOT NULL);
        ALTER TABLE packed_days ALTER sums SET STORAGE EXTERNAL;
        CREATE TABLE duties (name text COLLATE "C" PRIMARY KEY, holder bigint NOT NULL, until bigint NOT NULL, memo bytea)
            WITH (fillfactor = 50);
        """,
        """
        -- What the calls of a block add up to for the quality of data, in one value; valid where changed is that of call_blocks.
        CREATE TABLE quality_blocks (block bigint PRIMARY KEY, changed bigint NOT NULL, sums bytea NOT NULL);
        ALTER TABLE quality_blocks ALTER sums SET STORAGE EXTERNAL;
        -- The agents and machines that they name.
        CREATE TABLE quality_owners (
            ref bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, agent text COLLATE "C" NOT NULL, machine text COLLATE "C" NOT NULL,
            UNIQUE (agent, machine)
        );
        CREATE INDEX sessions_with_reported_cost ON sessions (last_seen_at) WHERE reported_cost IS NOT NULL;
        """,
    ]
}
