// SPDX-License-Identifier: Apache-2.0

import JSON
import Usage

/// Reads the messages of a task (`ui_messages.json`) as Cline, Roo Code and Kilo Code write them.
///
/// A request is first written without figures, which are filled in later, so it is named by its task and time. Whether `tokensIn` contains cached
/// tokens differs by vendor, provider and date and is nowhere said (RooCodeInc/Roo-Code#8954): see ``isInclusive(_:_:provider:)``.
///
/// Requests of sub-agents are no messages; `subagent_usage` is their sum. A user who goes back to an earlier message removes the later ones, and
/// `deleted_api_reqs`, directly behind that message, is the sum of their requests. It counts where none of them was read before: it names the message
/// before it, and each request names the messages between the request before and itself, because one of them is that message.
struct ClineTask: StoreParser {
    private let vendor: ClineVendor
    private let folder: String
    private let task: String
    private let projects: ProjectNames
    private let neighbour: (String) -> [UInt8]?

    /// - Parameters:
    ///   - path: `…/tasks/<task>/ui_messages.json`.
    ///   - read: Reads a file beside this one.
    init(
        _ path: String,
        projects: ProjectNames,
        read: @escaping (String) -> [UInt8]? = DocumentBytes.neighbour
    ) {
        vendor = ClineVendor(path: path)
        folder = path.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/")
        task = folder.split(separator: "/").last.map(String.init) ?? path
        self.projects = projects
        neighbour = read
    }

    private struct Request {
        var time: Timestamp
        var kind = Kind.request
        /// The times of the messages before it, from the request before on, at most ``mostBefore``.
        var before: [Timestamp] = []
        var protocolName: String?
        var model: String?
        var provider: String?
        var cost: Double?
        var usage = StoreUsage()
    }

    /// The messages with usage.
    private enum Kind {
        case request, subagents, deleted

        init?(_ say: JSONScanner.Text?) {
            guard let say else { return nil }
            if say.equals("api_req_started") {
                self = .request
            } else if say.equals("subagent_usage") {
                self = .subagents
            } else if say.equals("deleted_api_reqs") {
                self = .deleted
            } else {
                return nil
            }
        }
    }

    /// How many messages before a request are named; of more, those to which a user can go back.
    private static let mostBefore = 4
    private static let restorable: [StaticString] = [
        "task", "user_feedback", "checkpoint_created", "completion_result",
    ]

    /// The first day on which Roo Code 3.29.5 and, near it, Kilo Code 4.119.0 were there: 1 November 2025.
    private static let inclusiveSince = Timestamp(nanoseconds: 1_761_955_200_000_000_000)

    /// Providers whose input Cline passes on with cached tokens in it.
    private static let inclusiveProviders: Set<String> = [
        "openai", "litellm", "doubao", "fireworks", "hicap", "lmstudio", "qwen", "xai", "zai",
    ]

    mutating func read(_ text: LineBytes, _ state: inout StoreState, into sink: inout RecordSink) throws(LineFault) {
        guard text.base[0] == UInt8(ascii: "[") else { throw .cutOff }
        var json = JSONScanner(text)
        var (requests, number, fault) = ([Request](), Int64(0), LineFault?.none)
        var before: [Message] = []
        do throws(LineFault) {
            try json.elements { json throws(LineFault) in
                number += 1
                let message = try Message(&json)
                defer {
                    if message.kind != nil { before = [] }
                    before.append(message)
                }
                guard let time = message.time, let kind = message.kind, let text = message.text else { return }
                var request = Request(time: time, kind: kind, before: Self.times(of: before, kind))
                (request.model, request.provider) = (message.model, message.provider)
                do throws(LineFault) {
                    try Self.read(text.resolved, &request)
                    requests.append(request)
                } catch {
                    sink.note(error, part: number)
                }
            }
        } catch {
            fault = error
        }
        report(requests, &state, into: &sink)
        if let fault { throw fault }
    }

    /// The times of the messages that a request or a sum of requests names.
    private static func times(of before: [Message], _ kind: Kind) -> [Timestamp] {
        var named = kind == .deleted ? before.suffix(1) : before[...]
        if named.count > mostBefore {
            named = [before[0]] + before.dropFirst().filter(\.isRestorable).suffix(mostBefore - 1)
        }
        return named.compactMap(\.time)
    }

    /// A message, as far as it matters.
    private struct Message {
        var time: Timestamp?
        var kind: Kind?
        var isRestorable = false
        var text: JSONScanner.Text?
        var model: String?
        var provider: String?

        init(_ json: inout JSONScanner) throws(LineFault) {
            try json.members { key, json throws(LineFault) in
                switch key {
                case "ts": time = try json.instant()
                case "say":
                    let say = try json.text()
                    kind = Kind(say)
                    isRestorable = say.map { say in restorable.contains { say.equals($0) } } ?? false
                case "text": text = try json.text()
                case "modelInfo":
                    try json.members { key, json throws(LineFault) in
                        switch key {
                        case "modelId": model = try json.string()
                        case "providerId": provider = try json.string()
                        default: return false
                        }
                        return true
                    }
                default: return false
                }
                return true
            }
        }
    }

    /// The JSON in the text of a request.
    private static func read(_ text: [UInt8], _ request: inout Request) throws(LineFault) {
        try text.withUnsafeBufferPointer { buffer throws(LineFault) in
            guard let base = buffer.baseAddress, base[0] == UInt8(ascii: "{") else { throw .cutOff }
            var json = JSONScanner(LineBytes(base: base, count: buffer.count))
            try json.members { key, json throws(LineFault) in
                switch key {
                case "tokensIn": request.usage.input = try json.count() ?? 0
                case "tokensOut": request.usage.output = try json.count() ?? 0
                case "cacheWrites": request.usage.cacheWrite = try json.count() ?? 0
                case "cacheReads": request.usage.cacheRead = try json.count() ?? 0
                case "cost": request.cost = try json.number()
                case "apiProtocol": request.protocolName = try json.string()
                default: return false
                }
                return true
            }
        }
    }

    private func report(_ requests: [Request], _ state: inout StoreState, into sink: inout RecordSink) {
        guard !requests.isEmpty else { return }
        let models = models()
        state.session = task
        state.project = workFolder().flatMap { projects.key(of: $0) }
        for (index, request) in requests.enumerated() {
            state.note(time: request.time)
            guard !request.usage.isZero else {
                sink.omit("the request of \(request.time.iso8601): it has no figures, or not yet")
                continue
            }
            let end = index + 1 < requests.count ? requests[index + 1].time : .latest
            let named = models.last { $0.isTags ? $0.time < end : $0.time <= request.time } ?? models.first
            let provider = request.provider ?? named?.provider
            var usage = request.usage
            if isInclusive(request.time, usage, protocolName: request.protocolName, provider: provider) {
                usage.excludeCache()
            }
            var call = CallRecord(usage, time: request.time, session: task)
            call.lineage = "\(vendor.rawValue):\(task):\(request.time.milliseconds)"
            let before = request.before.map { "\(vendor.rawValue):\(task):after \($0.milliseconds)" }
            if request.kind == .deleted { call.sum = before.last } else { call.parts = before }
            call.model = request.model ?? named?.model
            call.provider = provider
            call.project = state.project
            call.cost = request.cost
            sink.add(call)
        }
    }

    /// Whether `tokensIn` contains cached tokens.
    ///
    /// What is smaller than its parts contains none of them. Cline passes on what the provider says; Roo and Kilo do since November 2025 for none,
    /// before that for those that speak Anthropic's protocol.
    private func isInclusive(
        _ time: Timestamp,
        _ usage: StoreUsage,
        protocolName: String?,
        provider: String?
    ) -> Bool {
        guard usage.input >= usage.cacheRead + usage.cacheWrite else { return false }
        if vendor == .cline { return provider.map(Self.inclusiveProviders.contains) ?? false }
        return time >= Self.inclusiveSince || protocolName != "anthropic"
    }

    // MARK: - Beside the messages

    /// A model and since when it answers.
    private struct NamedModel {
        var time: Timestamp
        var model: String
        var provider: String?
        /// Whether it was read from a message that was written after its request had begun.
        var isTags = false
    }

    /// The models of the task in the order of time: Cline lists them, Roo and Kilo name them in their prompts.
    private func models() -> [NamedModel] {
        var models: [NamedModel] = []
        if let bytes = neighbour(folder + "/task_metadata.json") {
            Self.scan(bytes) { json throws(LineFault) in
                try json.members { key, json throws(LineFault) in
                    guard key.equals("model_usage") else { return false }
                    try json.elements { json throws(LineFault) in
                        var (time, model, provider) = (Timestamp?.none, String?.none, String?.none)
                        try json.members { key, json throws(LineFault) in
                            switch key {
                            case "ts": time = try json.instant()
                            case "model_id": model = try json.string()
                            case "model_provider_id": provider = try json.string()
                            default: return false
                            }
                            return true
                        }
                        guard let time, let model else { return }
                        models.append(NamedModel(time: time, model: model, provider: provider))
                    }
                    return true
                }
            }
        }
        if models.isEmpty, vendor != .cline, let bytes = neighbour(folder + "/api_conversation_history.json") {
            models = Self.taggedModels(bytes)
        }
        return models.sorted { $0.time < $1.time }
    }

    /// The `<model>…</model>` of each message that has one.
    private static func taggedModels(_ bytes: [UInt8]) -> [NamedModel] {
        var models: [NamedModel] = []
        scan(bytes) { json throws(LineFault) in
            try json.elements { json throws(LineFault) in
                let start = json.offset
                var time: Timestamp?
                try json.members { key, json throws(LineFault) in
                    guard key.equals("ts") else { return false }
                    time = try json.instant()
                    return true
                }
                guard let time, let model = tag(in: bytes[start..<json.offset]) else { return }
                models.append(NamedModel(time: time, model: model, isTags: true))
            }
        }
        return models
    }

    private static func tag(in bytes: ArraySlice<UInt8>) -> String? {
        let (open, close) = (Array("<model>".utf8), Array("</model>".utf8))
        guard let begin = bytes.lastRange(of: open)?.upperBound,
            let end = bytes[begin...].firstRange(of: close)?.lowerBound, end > begin, end - begin <= 200
        else { return nil }
        return String(decoding: bytes[begin..<end], as: UTF8.self)
    }

    /// The folder in which the task began.
    private func workFolder() -> String? {
        if let bytes = neighbour(folder + "/history_item.json"), let found = Self.text("workspace", in: bytes) {
            return found
        }
        let home = folder.split(separator: "/", omittingEmptySubsequences: false).dropLast(2).joined(separator: "/")
        guard let bytes = neighbour(home + "/state/taskHistory.json") else { return nil }
        var found: String?
        Self.scan(bytes) { [task] json throws(LineFault) in
            try json.elements { json throws(LineFault) in
                var (id, folder) = (String?.none, String?.none)
                try json.members { key, json throws(LineFault) in
                    switch key {
                    case "id": id = try json.string()
                    case "cwdOnTaskInitialization": folder = try json.string()
                    default: return false
                    }
                    return true
                }
                if id == task { found = folder }
            }
        }
        return found
    }

    private static func text(_ name: StaticString, in bytes: [UInt8]) -> String? {
        var found: String?
        scan(bytes) { json throws(LineFault) in
            try json.members { key, json throws(LineFault) in
                guard key.equals(name) else { return false }
                found = try json.string()
                return true
            }
        }
        return found
    }

    /// Reads a document as far as it goes.
    private static func scan(_ bytes: [UInt8], _ read: (inout JSONScanner) throws(LineFault) -> Void) {
        bytes.withUnsafeBufferPointer { buffer in
            guard let base = buffer.baseAddress else { return }
            var json = JSONScanner(LineBytes(base: base, count: buffer.count))
            try? read(&json)
        }
    }
}

extension ArraySlice<UInt8> {
    /// The last place of some bytes.
    fileprivate func lastRange(of bytes: [UInt8]) -> Range<Int>? {
        var found: Range<Int>?
        var from = startIndex
        while let range = self[from...].firstRange(of: bytes) { (found, from) = (range, range.upperBound) }
        return found
    }
}
