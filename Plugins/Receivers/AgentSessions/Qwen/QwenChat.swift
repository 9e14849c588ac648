// SPDX-License-Identifier: Apache-2.0

import JSON
import Usage

/// Reads a chat of Qwen Code.
///
/// `/branch` copies records as they are into another session, but for the session's id: a record's `uuid` alone names its call, and the session
/// whose copy has no `forkedFrom` made it. `system` records repeat the usage of answers and are left out.
struct QwenChat: StoreParser {
    private let session: String
    private let projects: ProjectNames

    init(_ session: String, projects: ProjectNames) {
        (self.session, self.projects) = (session, projects)
    }

    private struct Record {
        var uuid: String?
        var session: String?
        var time: Timestamp?
        var type: JSONScanner.Text?
        var model: String?
        var agent: String?
        var source: String?
        var usage: StoreUsage?
    }

    mutating func read(_ text: LineBytes, _ state: inout StoreState, into sink: inout RecordSink) throws(LineFault) {
        var json = JSONScanner(text)
        var record = Record()
        try json.members { key, json throws(LineFault) in
            switch key {
            case "uuid": record.uuid = try json.string()
            case "sessionId": record.session = try json.text()?.string(reusing: state.session)
            case "timestamp": record.time = try json.instant()
            case "type": record.type = try json.text()
            case "model": record.model = try json.text()?.string(reusing: state.model)
            case "agentId": record.agent = try json.string() ?? record.agent
            case "agentName":
                let name = try json.string()
                record.agent = record.agent ?? name
            case "gitBranch": state.branch = try json.text()?.string(reusing: state.branch) ?? state.branch
            case "version": state.version = try json.text()?.string(reusing: state.version) ?? state.version
            case "cwd":
                guard state.project == nil else { return false }
                state.project = try json.string().flatMap { projects.key(of: $0) }
            case "forkedFrom":
                try json.members { key, json throws(LineFault) in
                    guard key.equals("sessionId") else { return false }
                    record.source = try json.string()
                    return true
                }
            case "usageMetadata": record.usage = try Self.usage(&json)
            default: return false
            }
            return true
        }
        state.note(time: record.time)
        state.session = record.session ?? state.session ?? session
        if let source = record.source { state.parent = source }
        if let model = record.model { state.model = model }
        if let usage = record.usage { add(record, usage, &state, into: &sink) }
    }

    private func add(_ record: Record, _ usage: StoreUsage, _ state: inout StoreState, into sink: inout RecordSink) {
        let name = record.uuid ?? "a record"
        guard record.type?.equals("assistant") == true else {
            return sink.omit("\(name): a record of another type repeats the usage of an answer")
        }
        guard let uuid = record.uuid else { return sink.omit("an answer without uuid") }
        guard !usage.isZero else { return sink.omit("\(name): it has no tokens") }
        let time = record.time ?? Timestamp(nanoseconds: state.lastSeen)
        var call = CallRecord(usage, time: time, session: state.session ?? session)
        call.lineage = "qwen:" + uuid
        call.isFork = record.source != nil
        call.agent = record.agent
        call.model = record.model ?? state.model
        call.project = state.project
        sink.add(call)
    }

    /// The prompt contains cached tokens.
    ///
    /// Thoughts come on top of the answer, but for back-ends whose total shows that they are inside.
    private static func usage(_ json: inout JSONScanner) throws(LineFault) -> StoreUsage? {
        var (usage, thoughts, total, isObject) = (StoreUsage(), Int64(0), Int64?.none, false)
        try json.members { key, json throws(LineFault) in
            isObject = true
            switch key {
            case "promptTokenCount": usage.input = try json.count() ?? 0
            case "candidatesTokenCount": usage.output = try json.count() ?? 0
            case "thoughtsTokenCount": thoughts = try json.count() ?? 0
            case "cachedContentTokenCount": usage.cacheRead = try json.count() ?? 0
            case "totalTokenCount": total = try json.count()
            default: return false
            }
            return true
        }
        guard isObject else { return nil }
        let isInside = total == usage.input + usage.output && thoughts <= usage.output
        if !isInside { usage.output += thoughts }
        usage.reasoning = thoughts
        usage.excludeCache()
        return usage
    }
}
