// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import OTLP
import Usage

/// The shapes of the API's answers about sessions and calls, as pure functions of what a store says.
enum TelemetryJSON {
    static func page(_ page: SessionPage, sortedBy sort: SessionQuery.Sort, now: Timestamp) -> JSONValue {
        [
            "sessions": .array(page.sessions.map { session($0, now: now) }),
            "nextCursor": JSONValue(page.next.map { SessionCursor(sort: sort, place: $0).text }),
            "total": .integer(Int64(page.total)),
        ]
    }

    static func detail(_ detail: SessionDetail, now: Timestamp) -> JSONValue {
        [
            "session": session(detail.session, now: now),
            "calls": .array(detail.calls.map(call)),
            "events": .array(detail.events.map { ["timestamp": .string($0.time.iso8601), "name": .string($0.name)] }),
            "costByModel": costs(detail.costByModel),
            "subagents": .array(
                detail.subagents.map {
                    ["session": session($0.session, now: now), "calls": .array($0.calls.map(call))]
                }
            ),
        ]
    }

    static func session(_ session: Session, now: Timestamp) -> JSONValue {
        let counts = session.totals.counts
        return [
            "sessionId": .string(session.id),
            "name": .string(session.name),
            "agent": JSONValue(session.agent),
            "model": JSONValue(session.model),
            "project": JSONValue(session.project),
            "user": JSONValue(session.user),
            "machine": JSONValue(session.machine),
            "status": .string(session.status(at: now).rawValue),
            "taskStatus": JSONValue(session.taskStatus),
            "startedAt": .string(session.startedAt.iso8601),
            "lastSeenAt": .string(session.lastSeenAt.iso8601),
            "durationMs": .integer(session.lastSeenAt.milliseconds - session.startedAt.milliseconds),
            "calls": .integer(session.totals.calls),
            "inputTokens": .integer(counts.uncachedInput),
            "outputTokens": .integer(counts.output),
            "cacheReadTokens": .integer(counts.cacheRead),
            "cacheWriteTokens": .integer(counts.cacheWrite),
            "reasoningTokens": .integer(counts.reasoning),
            "totalTokens": .integer(counts.total),
            "cost": money(session.totals.cost),
            "unpricedCalls": .integer(session.totals.unpricedCalls),
            "branch": JSONValue(session.branch),
            "agentVersion": JSONValue(session.agentVersion),
            "parentSessionId": JSONValue(session.parent),
            "knowledge": .string(session.provenance.name),
        ]
    }

    static func call(_ call: Call) -> JSONValue {
        [
            "callId": .string(call.name),
            "timestamp": .string(call.time.iso8601),
            "model": JSONValue(call.model),
            "provider": JSONValue(call.provider),
            "inputTokens": .integer(call.counts.uncachedInput),
            "outputTokens": .integer(call.counts.output),
            "cacheReadTokens": .integer(call.counts.cacheRead),
            "cacheWriteTokens": .integer(call.counts.cacheWrite),
            "reasoningTokens": .integer(call.counts.reasoning),
            "cost": money(call.price?.cost ?? .zero),
            "reportedCost": money(call.reportedCost),
            "computedCost": money(call.price?.computed),
            "priced": .bool(call.price?.isPriced ?? false),
            "durationMs": call.duration.map { .integer($0 / 1_000_000) } ?? .null,
            "sources": .array(call.sources.map { .string($0.name) }),
            "error": JSONValue(call.error),
        ]
    }

    static func money(_ money: Money?) -> JSONValue {
        money.map { .billionths($0.nanodollars) } ?? .null
    }

    /// What nobody named, in the answers' words.
    static func name(_ key: String) -> String { key.isEmpty ? "unknown" : key }

    private static func costs(_ costs: [String: Money]) -> JSONValue {
        let named = Dictionary(costs.map { (name($0), $1) }, uniquingKeysWith: +)
        return .object(named.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.map { (key: $0, value: money($1)) })
    }
}

// MARK: - Pipelines

extension TelemetryJSON {
    /// The answer about pipelines and components as they run.
    static func pipelines(_ status: CollectorStatus, version: String, now: Timestamp) -> JSONValue {
        [
            "startedAt": JSONValue(status.startedAt?.iso8601),
            "uptimeSeconds": .integer(status.uptimeSeconds),
            "version": .string(version),
            "memory": [
                "usedBytes": .integer(Int64(status.memory.usedBytes)),
                "limitBytes": .integer(Int64(status.memory.limitBytes)),
                "refusing": .bool(status.memory.isRefusing),
            ],
            "pipelines": .array(status.pipelines.map(pipeline)),
            "components": .array(status.components.map { component($0, now) }),
            "intakeProblems": intakeProblems(status.intakeProblems),
        ]
    }

    private static func pipeline(_ pipeline: PipelineStatus) -> JSONValue {
        func ids(_ ids: [ComponentID]) -> JSONValue { .array(ids.map { .string($0.description) }) }
        func counts(_ kind: ComponentKind, _ ids: [ComponentID]) -> JSONValue {
            .object(ids.map { (key: $0.description, value: .integer(Int64(pipeline.accepted[kind]?[$0] ?? 0))) })
        }
        return [
            "name": .string(pipeline.name),
            "signal": .string(pipeline.signal.rawValue),
            "receivers": ids(pipeline.receivers),
            "processors": ids(pipeline.processors),
            "exporters": ids(pipeline.exporters),
            "accepted": [
                "receivers": counts(.receiver, pipeline.receivers),
                "processors": counts(.processor, pipeline.processors),
                "exporters": counts(.exporter, pipeline.exporters),
            ],
        ]
    }

    private static func component(_ component: ComponentStatus, _ now: Timestamp) -> JSONValue {
        func count(_ field: ComponentCounters.Field) -> JSONValue { .integer(Int64(component.counts[field] ?? 0)) }
        var reason: String?
        if case .degraded(let text) = component.state { reason = text }
        return [
            "kind": .string(component.kind.singular),
            "id": .string(component.id.description),
            "stability": .string(component.stability.rawValue),
            "location": JSONValue(component.location),
            "state": .string(component.state.name),
            "reason": JSONValue(reason),
            "accepted": count(.accepted),
            "refused": count(.refused),
            "sent": count(.sent),
            "failed": count(.failed),
            "dropped": count(.dropped),
            "deviations": count(.deviations),
            "queue": component.queue.map { queue($0, now) } ?? .null,
            "lastError": component.lastError.map { trouble in
                [
                    "message": .string(trouble.message), "time": .string(trouble.time.iso8601),
                    "count": .integer(Int64(trouble.count)),
                ]
            } ?? .null,
        ]
    }

    private static func queue(_ queue: QueueStatus, _ now: Timestamp) -> JSONValue {
        [
            "batches": .integer(Int64(queue.batches)),
            "bytes": .integer(Int64(queue.bytes)),
            "capacityBytes": .integer(Int64(queue.capacityBytes)),
            "oldestAgeSeconds": queue.oldest.map { .integer(seconds(since: $0, now)) } ?? .null,
            "stuckSeconds": queue.stuckSince.map { .integer(seconds(since: $0, now)) } ?? .null,
        ]
    }

    /// Whole seconds since an instant; none when the clock was set back.
    static func seconds(since time: Timestamp, _ now: Timestamp) -> Int64 {
        max(0, (now.nanoseconds - time.nanoseconds) / 1_000_000_000)
    }
}

// MARK: - Prices

extension TelemetryJSON {
    /// The answer about the price table in force and the models that are not in it.
    static func prices(_ entries: [PriceEntry], unpriced: [UnpricedModel], unmatched: [UnmatchedOverride]) -> JSONValue
    {
        [
            "models": .array(entries.map(price)), "unpriced": .array(unpricedModels(unpriced)),
            "aliases": .array(PriceTable.aliases.map(alias)), "unmatchedOverrides": self.unmatched(unmatched),
        ]
    }

    /// The user's prices that reach no stored call.
    static func unmatched(_ overrides: [UnmatchedOverride]) -> JSONValue {
        .array(overrides.map { ["model": .string($0.model), "nearest": JSONValue($0.nearest)] })
    }

    private static func alias(_ alias: PriceAlias) -> JSONValue {
        [
            "name": .string(alias.name), "model": .string(alias.model),
            "from": JSONValue(alias.from.map { String($0.iso8601.prefix(10)) }),
            "until": JSONValue(alias.until.map { String($0.iso8601.prefix(10)) }),
            "source": .string(alias.source),
        ]
    }

    private static func price(_ entry: PriceEntry) -> JSONValue {
        func dollars(_ rate: Rate?) -> JSONValue { rate.map { .decimal($0.perMillion) } ?? .null }
        return [
            "model": .string(entry.model),
            "provider": entry.provider == "override" ? .null : .string(entry.provider),
            "inputPerMillion": dollars(entry.rates.input),
            "outputPerMillion": dollars(entry.rates.output),
            "cacheReadPerMillion": dollars(entry.rates.cacheRead),
            "cacheWrite5mPerMillion": dollars(entry.rates.cacheWrite),
            "cacheWrite1hPerMillion": dollars(entry.rates.cacheWrite1h),
            "from": JSONValue(entry.validFrom.map { String($0.iso8601.prefix(10)) }),
        ]
    }

    /// What nobody named and what is called "unknown" are one.
    private static func unpricedModels(_ models: [UnpricedModel]) -> [JSONValue] {
        let named = Dictionary(models.map { (name($0.model), $0) }) { left, right in
            UnpricedModel(
                model: left.model,
                calls: left.calls + right.calls,
                lastSeenAt: max(left.lastSeenAt, right.lastSeenAt)
            )
        }
        return named.sorted { ($1.value.calls, $0.key) < ($0.value.calls, $1.key) }.map { name, model in
            [
                "model": .string(name), "calls": .integer(model.calls),
                "lastSeenAt": .string(model.lastSeenAt.iso8601),
            ]
        }
    }
}

// MARK: - Quality

extension TelemetryJSON {
    /// The answer about how well a period's calls are known.
    ///
    /// - Parameters:
    ///   - faults: What of session files could not be read or explained.
    ///   - unmatched: Prices of the user's that reach no stored call.
    ///   - intake: Telemetry that was not taken or not read since the collector started, whatever the period.
    ///   - dropped: Texts that were dropped on purpose since the collector started.
    static func quality(
        _ quality: DataQuality,
        of period: Period,
        faults: ScanReport,
        unmatched: [UnmatchedOverride],
        intake: [IntakeProblem],
        dropped: [DroppedText]
    ) -> JSONValue {
        [
            "period": .string(period.name),
            "from": .string(period.from),
            "to": .string(period.to),
            "timezone": .string(period.timezone),
            "calls": .integer(quality.calls),
            "oneWitness": .integer(quality.oneWitness),
            "severalWitnesses": .integer(quality.severalWitnesses),
            "weaklyJoined": .integer(quality.weaklyJoined),
            "unpriced": .integer(quality.unpriced),
            "rollUpsNotCounted": .integer(quality.rollUps),
            "sumsOfUnknownCalls": .integer(quality.sumsOfUnknownCalls),
            "sources": .array(
                quality.sources.sorted { $0.key < $1.key }.map { key, use in
                    [
                        "agent": .string(name(key.agent)),
                        "machine": .string(name(key.machine)),
                        "sources": .array(key.sources.map { .string($0.name) }),
                        "calls": .integer(use.calls),
                        "lastSeenAt": .string(use.lastSeen.iso8601),
                    ]
                }
            ),
            "costs": .array(
                quality.costs.sorted { $0.key < $1.key }.map { key, cost in
                    [
                        "model": .string(name(key.model)),
                        "agreement": .string(key.reason.name),
                        "calls": .integer(cost.calls),
                        "reported": money(cost.reported),
                        "computed": money(cost.computed),
                    ]
                }
            ),
            "sessionCosts": sessionCosts(quality.sessionCosts),
            "unmatchedOverrides": self.unmatched(unmatched),
            "unreadableFiles": .integer(Int64(faults.unreadable)),
            "skippedLines": .integer(Int64(faults.skippedLines)),
            "unexplainedTokens": .integer(faults.unexplainedTokens),
            "unknownLines": unknownLines(faults),
            "problems": .array((faults.problems.map(\.description) + intake.map(\.message)).map { .string($0) }),
            "intakeProblems": intakeProblems(intake),
            "droppedTexts": .array(
                dropped.map {
                    [
                        "key": .string($0.key), "count": .integer(Int64($0.count)),
                        "firstSeenAt": .string($0.firstSeen.iso8601), "lastSeenAt": .string($0.lastSeen.iso8601),
                    ]
                }
            ),
        ]
    }

    /// Telemetry that was not taken or not read.
    static func intakeProblems(_ problems: [IntakeProblem]) -> JSONValue {
        .array(
            problems.map { problem in
                [
                    "code": .string(problem.code.rawValue),
                    "message": .string(problem.message),
                    "next": .string(problem.next),
                    "subject": .string(problem.subject),
                    "client": .string(problem.client),
                    "signal": JSONValue(problem.signal?.rawValue),
                    "status": problem.status.map { .integer(Int64($0)) } ?? .null,
                    "count": .integer(Int64(problem.count)),
                    "firstSeenAt": .string(problem.firstSeen.iso8601),
                    "lastSeenAt": .string(problem.lastSeen.iso8601),
                ]
            }
        )
    }

    private static func sessionCosts(_ costs: DataQuality.SessionCosts) -> JSONValue {
        [
            "compared": .integer(costs.compared),
            "differing": .integer(costs.differing),
            "sessions": .array(
                costs.largest.map {
                    [
                        "sessionId": .string($0.session), "reported": money($0.reported), "counted": money($0.counted),
                    ]
                }
            ),
        ]
    }
}

// MARK: - Scan

extension TelemetryJSON {
    /// The answer to a scan.
    static func scan(_ report: ScanReport) -> JSONValue {
        [
            "ok": true,
            "scanned": .integer(Int64(report.scanned)),
            "ingested": .integer(Int64(report.ingested)),
            "skipped": .integer(Int64(report.skipped)),
            "durationMs": .integer(report.durationMilliseconds),
            "calls": .integer(Int64(report.calls)),
            "unreadableFiles": .integer(Int64(report.unreadable)),
            "skippedLines": .integer(Int64(report.skippedLines)),
            "unknownLines": unknownLines(report),
            "problems": .array(report.problems.map { .string($0.description) }),
        ]
    }

    /// Lines of unknown types, by type.
    static func unknownLines(_ report: ScanReport) -> JSONValue {
        .object(
            report.unknownLines.sorted { $0.key < $1.key }.map { type, lines in
                (key: type, value: ["lines": .integer(Int64(lines.count)), "first": .string(lines.first)])
            }
        )
    }
}

// MARK: - Summary

extension TelemetryJSON {
    /// What goes into the answer about a period beside its figures.
    struct SummaryExtras {
        var budget: BudgetReport?
        /// The time before, if it was asked for.
        var previous: UsageSummary?
        /// By what days are split up.
        var series: UsageDimension?
        /// Whether the sessions are listed.
        var listsSessions = true
    }

    static func summary(_ summary: UsageSummary, _ extras: SummaryExtras, now: Timestamp) -> JSONValue {
        var members = figures(summary)
        if extras.listsSessions {
            let sessions = summary.sessions.prefix(UsageSummary.maximumSessions).map { session($0, now: now) }
            members.append((key: "sessions", value: .array(sessions)))
        }
        members.append((key: "budget", value: extras.budget.map(budget) ?? .null))
        if let previous = extras.previous { members.append((key: "previous", value: self.previous(previous))) }
        if let dimension = extras.series { members.append((key: "series", value: series(summary, dimension))) }
        return .object(members)
    }

    private static func previous(_ summary: UsageSummary) -> JSONValue {
        [
            "from": .string(summary.period.from),
            "to": .string(summary.period.to),
            "totalCost": money(summary.totals.cost),
            "totalTokens": .integer(summary.totals.counts.total),
            "callCount": .integer(summary.totals.calls),
            "sessionCount": .integer(Int64(summary.sessionCount)),
        ]
    }

    /// Each day with the names that have a call on it, dearest first.
    private static func series(_ summary: UsageSummary, _ dimension: UsageDimension) -> JSONValue {
        let days = zip(summary.period.days, summary.series).map { date, values -> JSONValue in
            let named = Dictionary(values.map { (name($0), $1) }) { left, right in
                var sum = left
                sum += right
                return sum
            }
            let ordered = named.sorted { ($1.value.cost, $0.key) < ($0.value.cost, $1.key) }
            return [
                "date": .string(date),
                "values": .object(ordered.map { (key: $0.key, value: .object(costCallsTokens($0.value))) }),
            ]
        }
        return ["dimension": .string(dimension.rawValue), "days": .array(days)]
    }

    private static func costCallsTokens(_ totals: UsageTotals) -> [(key: String, value: JSONValue)] {
        [(key: "cost", value: money(totals.cost)), (key: "calls", value: .integer(totals.calls))] + tokens(totals)
    }

    private static func figures(_ summary: UsageSummary) -> [(key: String, value: JSONValue)] {
        let counts = summary.totals.counts
        return [
            (key: "period", value: .string(summary.period.name)),
            (key: "from", value: .string(summary.period.from)),
            (key: "to", value: .string(summary.period.to)),
            (key: "timezone", value: .string(summary.period.timezone)),
            (key: "totalCost", value: money(summary.totals.cost)),
            (key: "totalInputTokens", value: .integer(counts.uncachedInput)),
            (key: "totalOutputTokens", value: .integer(counts.output)),
            (key: "totalCacheReadTokens", value: .integer(counts.cacheRead)),
            (key: "totalCacheWriteTokens", value: .integer(counts.cacheWrite)),
            (key: "totalReasoningTokens", value: .integer(counts.reasoning)),
            (key: "totalTokens", value: .integer(counts.total)),
            (key: "callCount", value: .integer(summary.totals.calls)),
            (key: "sessionCount", value: .integer(Int64(summary.sessionCount))),
            (key: "activeSessions", value: .integer(Int64(summary.activeSessions))),
            (key: "unpricedCalls", value: .integer(summary.totals.unpricedCalls)),
            (key: "unpricedModels", value: .array(summary.unpricedModels.map { .string(name($0)) })),
            (key: "saturated", value: .bool(summary.totals.isSaturated)),
            (key: "byModel", value: shares(summary.byModel)),
            (key: "byAgent", value: shares(summary.byAgent)),
            (key: "byProject", value: shares(summary.byProject)),
            (key: "byUser", value: shares(summary.byUser)),
            (key: "byMachine", value: shares(summary.byMachine)),
            (key: "byDay", value: .array(summary.byDay.map(day))),
        ]
    }

    private static func budget(_ report: BudgetReport) -> JSONValue {
        [
            "limit": money(report.limit),
            "used": money(report.used),
            "fraction": .billionths(report.fraction),
            "projected": money(report.projected),
        ]
    }

    private static func day(_ day: UsageSummary.Day) -> JSONValue {
        .object(
            [(key: "date", value: .string(day.date))] + costCallsTokens(day.totals)
        )
    }

    /// Dearest first, then by name; what is called "unknown" and what has no name are one.
    private static func shares(_ shares: [String: UsageSummary.Share]) -> JSONValue {
        let named = Dictionary(shares.map { (name($0), $1) }) { left, right in
            var sum = left
            sum.totals += right.totals
            sum.sessions += right.sessions
            return sum
        }
        let ordered = named.sorted { ($1.value.totals.cost, $0.key) < ($0.value.totals.cost, $1.key) }
        return .object(ordered.map { (key: $0.key, value: share($0.value)) })
    }

    private static func share(_ share: UsageSummary.Share) -> JSONValue {
        .object(
            [
                (key: "cost", value: money(share.totals.cost)),
                (key: "sessions", value: .integer(Int64(share.sessions))),
                (key: "calls", value: .integer(share.totals.calls)),
            ] + tokens(share.totals)
        )
    }

    private static func tokens(_ totals: UsageTotals) -> [(key: String, value: JSONValue)] {
        [
            (key: "inputTokens", value: .integer(totals.counts.uncachedInput)),
            (key: "outputTokens", value: .integer(totals.counts.output)),
            (key: "cacheReadTokens", value: .integer(totals.counts.cacheRead)),
            (key: "cacheWriteTokens", value: .integer(totals.counts.cacheWrite)),
            (key: "reasoningTokens", value: .integer(totals.counts.reasoning)),
            (key: "unpricedCalls", value: .integer(totals.unpricedCalls)),
        ]
    }
}
