// SPDX-License-Identifier: Apache-2.0

import JSON
import Usage

/// Reads a thread of Amp.
///
/// The ledger and the message both have the figures of a call; only the message separates cached tokens. An event of the ledger names the call
/// and takes the figures of its message; a message that no event names is a call by itself, under the same place in the thread, so that a
/// ledger that comes later changes nothing. Money is credits, and is left out.
struct AmpThread: StoreParser {
    private let projects: ProjectNames

    init(projects: ProjectNames) {
        self.projects = projects
    }

    fileprivate struct Message {
        var id = ""
        var isAnswer = false
        var model: String?
        var time: Timestamp?
        var usage: StoreUsage?
    }

    fileprivate struct Event {
        var id: String?
        var target: String?
        var model: String?
        var time: Timestamp?
        var usage = StoreUsage()
    }

    fileprivate struct Thread {
        var id: String?
        var title: String?
        var folder: String?
        var created: Timestamp?
        var messages: [Message] = []
        var events: [Event] = []
    }

    mutating func read(_ text: LineBytes, _ state: inout StoreState, into sink: inout RecordSink) throws(LineFault) {
        guard text.base[0] == UInt8(ascii: "{") else { throw .cutOff }
        var json = JSONScanner(text)
        var thread = Thread()
        var fault: LineFault?
        do throws(LineFault) {
            try thread.read(&json)
        } catch {
            fault = error
        }
        report(thread, &state, into: &sink)
        if let fault { throw fault }
    }

    private func report(_ thread: Thread, _ state: inout StoreState, into sink: inout RecordSink) {
        guard let id = thread.id else { return sink.omit("the thread has no id") }
        state.session = id
        state.title = thread.title
        state.project = thread.folder.flatMap { projects.key(of: $0) }
        state.note(time: thread.created)
        var known: Set<Int> = []
        for event in thread.events {
            let place = thread.messages.indices.first { index in
                let message = thread.messages[index]
                return message.id == event.target && message.usage != nil && !known.contains(index)
                    && (event.usage.output == 0 || message.usage?.output == event.usage.output)
            }
            if let place { known.insert(place) }
            let message = place.map { thread.messages[$0] }
            add(message, event, of: id, &state, into: &sink)
        }
        for (index, message) in thread.messages.enumerated() where message.isAnswer && !known.contains(index) {
            if message.usage != nil { add(message, nil, of: id, &state, into: &sink) }
        }
    }

    private func add(
        _ message: Message?,
        _ event: Event?,
        of thread: String,
        _ state: inout StoreState,
        into sink: inout RecordSink
    ) {
        let name = event?.id ?? "message \(message?.id ?? "?")"
        let usage = message?.usage ?? event?.usage ?? StoreUsage()
        guard !usage.isZero else { return sink.omit("\(name): it has no tokens") }
        guard
            let time = event?.time ?? message?.time
                ?? (state.lastSeen > 0 ? Timestamp(nanoseconds: state.lastSeen) : nil)
        else { return sink.omit("\(name): it has no time") }
        state.note(time: time)
        var call = CallRecord(usage, time: time, session: thread)
        call.key = event?.id.map { "amp:\(thread):\($0)" }
        // Only where the figures are those of a message: several events can be about one.
        if let message { call.lineage = "amp:\(thread):message:\(message.id)" }
        if call.key == nil, call.lineage == nil {
            call.key = "amp:\(thread):\(time.nanoseconds):\(usage.input).\(usage.output)"
        }
        call.model = event?.model ?? message?.model
        call.project = state.project
        sink.add(call)
    }
}

extension AmpThread.Thread {
    fileprivate mutating func read(_ json: inout JSONScanner) throws(LineFault) {
        try json.members { key, json throws(LineFault) in
            switch key {
            case "id": id = try json.string()
            case "title": title = try json.string()
            case "created": created = try json.instant()
            case "env": try readEnvironment(&json)
            case "messages":
                try json.elements { json throws(LineFault) in
                    var message = AmpThread.Message()
                    try message.read(&json)
                    messages.append(message)
                }
            case "usageLedger":
                try json.members { key, json throws(LineFault) in
                    guard key.equals("events") else { return false }
                    try json.elements { json throws(LineFault) in
                        var event = AmpThread.Event()
                        try event.read(&json)
                        events.append(event)
                    }
                    return true
                }
            default: return false
            }
            return true
        }
    }

    /// `env.initial.trees[].uri` is the folder in which the thread began.
    private mutating func readEnvironment(_ json: inout JSONScanner) throws(LineFault) {
        try json.members { key, json throws(LineFault) in
            guard key.equals("initial") else { return false }
            try json.members { key, json throws(LineFault) in
                guard key.equals("trees") else { return false }
                try json.elements { json throws(LineFault) in
                    try json.members { key, json throws(LineFault) in
                        guard key.equals("uri") else { return false }
                        let address = try json.string()
                        folder = folder ?? address.map { $0.hasPrefix("file://") ? String($0.dropFirst(7)) : $0 }
                        return true
                    }
                }
                return true
            }
            return true
        }
    }
}

extension JSONScanner {
    /// The next value as an id, which may be a number or a text.
    fileprivate mutating func id() throws(LineFault) -> String? {
        var ahead = self
        if let text = try ahead.text() {
            self = ahead
            return text.string
        }
        return try count().map(\.description)
    }
}

extension AmpThread.Message {
    fileprivate mutating func read(_ json: inout JSONScanner) throws(LineFault) {
        try json.members { key, json throws(LineFault) in
            switch key {
            case "messageId": id = try json.id() ?? ""
            case "role": isAnswer = try json.text()?.equals("assistant") ?? false
            case "usage": try readUsage(&json)
            default: return false
            }
            return true
        }
    }

    private mutating func readUsage(_ json: inout JSONScanner) throws(LineFault) {
        var figures: StoreUsage?
        try json.members { key, json throws(LineFault) in
            switch key {
            case "model": model = try json.string()
            case "timestamp": time = try json.instant()
            case "inputTokens": figures = figures.orEmpty(with: \.input, try json.count())
            case "outputTokens": figures = figures.orEmpty(with: \.output, try json.count())
            case "cacheCreationInputTokens": figures = figures.orEmpty(with: \.cacheWrite, try json.count())
            case "cacheReadInputTokens": figures = figures.orEmpty(with: \.cacheRead, try json.count())
            default: return false
            }
            return true
        }
        usage = figures
    }
}

extension Optional<StoreUsage> {
    /// The figures with one of them set; none where there is neither.
    fileprivate func orEmpty(with path: WritableKeyPath<StoreUsage, Int64>, _ count: Int64?) -> StoreUsage? {
        guard let count else { return self }
        var usage = self ?? StoreUsage()
        usage[keyPath: path] = count
        return usage
    }
}

extension AmpThread.Event {
    fileprivate mutating func read(_ json: inout JSONScanner) throws(LineFault) {
        try json.members { key, json throws(LineFault) in
            switch key {
            case "id": id = try json.string()
            case "timestamp": time = try json.instant()
            case "model": model = try json.string()
            case "toMessageId": target = try json.id()
            case "tokens":
                try json.members { key, json throws(LineFault) in
                    switch key {
                    case "input": usage.input = try json.count() ?? 0
                    case "output": usage.output = try json.count() ?? 0
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
