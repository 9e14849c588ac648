// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import JSON
import OTLP
public import YAML

/// Checks whether a plugin keeps the protocol: does what a collector does with it, and what a hostile one would.
///
/// Blocks; it takes seconds with a plugin in order and a few minutes with one that answers nothing.
public struct PluginCheck {
    /// One thing that was checked.
    public struct Step: Sendable, Equatable {
        /// What a plugin is to do.
        public let title: String
        /// What falls short; nil when nothing does.
        public let fault: String?
    }

    private let command: PluginCommand
    private let configuration: Node?
    private let folder: String
    private let report: (Step) -> Void
    /// How long is waited for an answer.
    private let timeout: Duration

    /// Prepares the checks.
    ///
    /// - Parameters:
    ///   - configuration: What a user would write under the component; nil for nothing.
    ///   - folder: An empty folder that becomes the state folder of the components.
    ///   - timeout: How long is waited for an answer.
    ///   - report: Receives each step as it is done.
    public init(
        _ command: PluginCommand,
        configuration: Node?,
        folder: String,
        timeout: Duration = .seconds(10),
        report: @escaping (Step) -> Void
    ) {
        self.command = command
        self.configuration = configuration
        self.folder = folder
        self.timeout = timeout
        self.report = report
    }

    private struct Shortfall: Error { let text: String }

    /// Runs all checks; returns whether nothing falls short.
    public func run(_ diagnostics: inout Diagnostics) -> Bool {
        let description: PluginDescription
        do throws(StartError) {
            try command.check()
            report(Step(title: "its files are yours and not writable by others", fault: nil))
            let first = try PluginInquiry(command: command, folder: nil).description()
            let second = try PluginInquiry(command: command, folder: nil).description()
            guard first == second else {
                throw StartError(.configuration, "--describe says something else the second time")
            }
            description = first
            report(Step(title: "--describe says what it offers: \(Self.list(first))", fault: nil))
        } catch {
            report(Step(title: "it may be run and describes itself", fault: error.description))
            return false
        }
        var isInOrder = true
        for offer in description.components {
            let schema = PluginSchema(offer.schema)
            let before = diagnostics.items.count
            let json = schema.json(
                of: configuration ?? .mapping(Node.Mapping(mark: Mark(file: "nothing", line: 1, column: 1))),
                beside: [],
                &diagnostics
            )
            guard diagnostics.items.count == before else {
                report(
                    Step(
                        title: "\(offer.kind.singular) \(offer.type) has a configuration",
                        fault: "write what it needs with --with 'key: value'"
                    )
                )
                isInOrder = false
                continue
            }
            for (number, (title, check)) in checks(offer, json).enumerated() {
                var fault: String?
                do {
                    try check()
                } catch let error as Shortfall {
                    fault = error.text
                } catch {
                    fault = "\(error)"
                }
                report(Step(title: "\(offer.type): \(title)", fault: fault))
                if fault != nil { isInOrder = false }
                // A plugin that does not open falls short of all the rest.
                if fault != nil, number == 0 { break }
            }
        }
        return isInOrder
    }

    private static func list(_ description: PluginDescription) -> String {
        description.components.map { "\($0.kind.singular) \($0.type)" }.joined(separator: ", ")
    }

    private func checks(_ offer: PluginDescription.Offer, _ json: String) -> [(String, () throws -> Void)] {
        var checks: [(String, () throws -> Void)] = [
            (
                "opens, also when frames come in pieces and with members that it does not know",
                { try opens(offer, json) }
            ),
            ("answers PING, and steps over a frame that may be ignored", { try staysAlive(offer, json) }),
            ("ends with BYE and code 0 when it is drained", { try drains(offer, json) }),
            ("ends when the collector is gone", { try endsAlone(offer, json) }),
            ("opens again after it was killed", { try comesBack(offer, json) }),
            ("opens a second time beside the first, as at a reload", { try opensBeside(offer, json) }),
        ]
        if offer.kind == .receiver {
            checks.append(("keeps to its credit", { try keepsCredit(offer, json) }))
        } else {
            for signal in offer.signals {
                checks.append(("answers every batch of \(signal)", { try answers(signal, offer, json) }))
            }
        }
        return checks
    }

    // MARK: - Runs

    private func opened(_ offer: PluginDescription.Offer, _ json: String, piece: Int = .max) throws -> ProbedChild {
        let child = try ProbedChild(command)
        let hello = #"{"protocol":[1,1],"host":"check/1","max_frame":67108864,"later":{"x":[1]}}"#
        let frame = PluginFrame(kind: .hello, payload: Array(hello.utf8)).encoded
        guard child.write(frame, piece: piece) else { throw Shortfall(text: "it does not read HELLO") }
        guard let answer = try child.frame(within: timeout), answer.kind == .hello else {
            throw Shortfall(text: "it does not answer HELLO with HELLO in \(timeout)")
        }
        let description = try PluginDescription(parsing: answer.payload)
        guard description.components.contains(offer) else {
            throw Shortfall(text: "its HELLO says something else than --describe")
        }
        let open =
            "{\"kind\":\(offer.kind.singular.jsonString),\"type\":\(offer.type.jsonString),\"id\":\(offer.type.jsonString),"
            + "\"state_dir\":\(folder.jsonString),\"later\":[{}],\"config\":\(json)}"
        guard child.write(PluginFrame(kind: .open, payload: Array(open.utf8)).encoded, piece: piece),
            let opened = try child.frame(within: .seconds(30))
        else { throw Shortfall(text: "it does not answer OPEN in 30 s") }
        switch opened.kind {
        case .opened: return child
        case .fault:
            throw Shortfall(text: "it refuses the configuration: \(String(decoding: opened.payload, as: UTF8.self))")
        default: throw Shortfall(text: "it answers OPEN with a frame of type \(opened.kind.rawValue)")
        }
    }

    private func opens(_ offer: PluginDescription.Offer, _ json: String) throws {
        _ = try opened(offer, json, piece: 7)
    }

    /// The next frame of a receiver that is no EMIT, or of any other.
    private func answer(of child: ProbedChild) throws -> PluginFrame? {
        while let frame = try child.frame(within: timeout) { if frame.kind != .emit { return frame } }
        return nil
    }

    private func staysAlive(_ offer: PluginDescription.Offer, _ json: String) throws {
        let child = try opened(offer, json)
        var unknown = PluginFrame(kind: .ping, id: 1, payload: [1, 2, 3]).encoded
        unknown[4] = 200
        unknown[5] = PluginFrame.mayBeIgnored
        guard child.write(unknown + PluginFrame(kind: .ping, id: 77).encoded),
            let pong = try answer(of: child), pong.kind == .pong
        else { throw Shortfall(text: "no PONG comes in \(timeout)") }
        guard pong.id == 77 else { throw Shortfall(text: "PONG has the id \(pong.id), not that of the PING") }
    }

    private func drains(_ offer: PluginDescription.Offer, _ json: String) throws {
        let child = try opened(offer, json)
        guard child.write(.drain), let bye = try answer(of: child), bye.kind == .bye else {
            throw Shortfall(text: "no BYE comes in \(timeout)")
        }
        guard let code = child.exitCode(within: timeout) else { throw Shortfall(text: "it goes on after BYE") }
        guard code == 0 else { throw Shortfall(text: "it ends with the code \(code)") }
    }

    private func endsAlone(_ offer: PluginDescription.Offer, _ json: String) throws {
        let child = try opened(offer, json)
        child.closeSocket()
        guard child.exitCode(within: timeout) != nil else {
            throw Shortfall(text: "it goes on for \(timeout) after descriptor 3 was closed")
        }
    }

    private func comesBack(_ offer: PluginDescription.Offer, _ json: String) throws {
        for _ in 0..<3 {
            let child = try opened(offer, json)
            child.end()
            _ = child.exitCode(within: timeout)
        }
    }

    private func opensBeside(_ offer: PluginDescription.Offer, _ json: String) throws {
        let first = try opened(offer, json)
        // An exporter stops before its successor starts.
        if offer.kind == .exporter { first.end() }
        let second = try opened(offer, json)
        if offer.kind != .exporter {
            guard first.write(.drain), let bye = try answer(of: first), bye.kind == .bye else {
                throw Shortfall(text: "no BYE of the first comes in \(timeout) after the second has opened")
            }
        }
        guard second.write(PluginFrame(kind: .ping, id: 5).encoded), let pong = try answer(of: second),
            pong.kind == .pong
        else { throw Shortfall(text: "the second does not go on after the first has ended") }
    }

    private func keepsCredit(_ offer: PluginDescription.Offer, _ json: String) throws {
        let child = try opened(offer, json)
        guard child.write(.credit, 0, [2, 0, 0, 0]) else { throw Shortfall(text: "it does not read CREDIT") }
        var open: Set<UInt64> = []
        // What it emits without credit comes at once.
        while let frame = try child.frame(within: .seconds(2)) {
            guard frame.kind == .emit else { continue }
            let (signal, request) = try PluginBatch.parse(frame.payload)
            guard offer.signals.contains(signal) else {
                throw Shortfall(text: "it emits \(signal), which it does not offer")
            }
            do throws(OTLPError) {
                _ = try OTLPBatch(signal: signal, protobuf: request)
            } catch {
                throw Shortfall(text: "it emits what is no OTLP: \(error)")
            }
            guard open.insert(frame.id).inserted else { throw Shortfall(text: "it emits \(frame.id) twice") }
            guard open.count <= 2 else { throw Shortfall(text: "it emits more batches than its credit of 2") }
        }
        for id in open where !child.write(.result, id, PluginAnswer.retry("check", after: .milliseconds(1)).payload) {
            throw Shortfall(text: "it does not read RESULT")
        }
    }

    // MARK: - Batches

    private func answers(_ signal: Signal, _ offer: PluginDescription.Offer, _ json: String) throws {
        let child = try opened(offer, json)
        var open: [UInt64: Int] = [:]
        var id: UInt64 = 0
        let sizes = [1, 0, 3, 100, 1, 50, 7, 1_000, 2, 100, 100, 100]
        for (number, size) in sizes.enumerated() {
            id += 1
            let request = try CheckTelemetry.request(signal, records: size)
            var frame = PluginBatch.frame(
                signal,
                [request[...]],
                calls: offer.wantsCalls ? CheckTelemetry.calls(size) : nil
            )
            PluginFrame.set(id: id, in: &frame)
            guard child.write(frame, piece: number == 2 ? 5 : .max) else {
                throw Shortfall(text: "it does not read batch \(id)")
            }
            open[id] = size
            while open.count >= offer.maxInFlight { try take(child, &open, offer) }
        }
        while !open.isEmpty { try take(child, &open, offer) }
    }

    private func take(_ child: ProbedChild, _ open: inout [UInt64: Int], _ offer: PluginDescription.Offer) throws {
        guard let frame = try child.frame(within: .seconds(30)) else {
            throw Shortfall(
                text: "batches \(open.keys.sorted().map(String.init).joined(separator: ", ")) have no RESULT in 30 s"
            )
        }
        guard frame.kind == .result else {
            throw Shortfall(text: "a frame of type \(frame.kind.rawValue) is no RESULT")
        }
        guard let records = open.removeValue(forKey: frame.id) else {
            throw Shortfall(text: "a RESULT is for batch \(frame.id), which is not open")
        }
        switch try PluginAnswer(parsing: frame.payload) {
        case .ok(.none), .retry, .refused, .unanswered: return
        case .ok where offer.kind == .exporter: throw Shortfall(text: "an exporter answers with changes")
        case .ok(.delta(let changes)):
            if let wrong = changes.first(where: { $0.record >= records }) {
                throw Shortfall(text: "a delta names record \(wrong.record) of a batch of \(records)")
            }
        case .ok(.batch) where !offer.answersWhole:
            throw Shortfall(text: "it answers with a whole request, and describes its answers as delta")
        case .ok(.batch(let bytes)):
            for signal in offer.signals where (try? OTLPBatch(signal: signal, protobuf: bytes)) != nil { return }
            throw Shortfall(text: "it answers with a request that is no OTLP")
        case .partial(let refused, _):
            if let wrong = refused.first(where: { $0 >= records }) {
                throw Shortfall(text: "it refuses record \(wrong) of a batch of \(records)")
            }
        }
    }
}

/// Requests to check a plugin with.
enum CheckTelemetry {
    /// A request with so many records, each with a few attributes and a text that is not ASCII.
    static func request(_ signal: Signal, records count: Int) throws(OTLPError) -> [UInt8] {
        let items = (0..<count).map { item(signal, $0) }.joined(separator: ",")
        let resource =
            #"{"attributes":[{"key":"service.name","value":{"stringValue":"check"}},{"key":"user.email","value":{"stringValue":"ada@example.com"}}]}"#
        let json =
            switch signal {
            case .logs:
                #"{"resourceLogs":[{"resource":\#(resource),"scopeLogs":[{"scope":{"name":"check"},"logRecords":[\#(items)]}]}]}"#
            case .traces:
                #"{"resourceSpans":[{"resource":\#(resource),"scopeSpans":[{"scope":{"name":"check"},"spans":[\#(items)]}]}]}"#
            case .metrics:
                #"{"resourceMetrics":[{"resource":\#(resource),"scopeMetrics":[{"scope":{"name":"check"},"metrics":[\#(items)]}]}]}"#
            }
        return try OTLPBatch(signal: signal, json: Array(json.utf8)).encoded()
    }

    private static func item(_ signal: Signal, _ number: Int) -> String {
        let attributes =
            #""attributes":[{"key":"number","value":{"intValue":"\#(number)"}},{"key":"gen_ai.request.model","value":{"stringValue":"modèle-\#(number % 3)"}},"#
            + #"{"key":"gen_ai.usage.input_tokens","value":{"intValue":"\#(number * 7)"}},{"key":"flag","value":{"boolValue":true}}]"#
        switch signal {
        case .logs: return #"{"timeUnixNano":"1790000000000000000","body":{"stringValue":"text"},\#(attributes)}"#
        case .traces:
            return
                #"{"traceId":"0102030405060708090a0b0c0d0e0f10","spanId":"0102030405060708","name":"chat","startTimeUnixNano":"1790000000000000000","endTimeUnixNano":"1790000001000000000",\#(attributes)}"#
        case .metrics:
            return
                #"{"name":"m","sum":{"dataPoints":[{"asInt":"1","timeUnixNano":"1790000000000000000",\#(attributes)}]}}"#
        }
    }

    /// A call for each record, as lines of JSON.
    static func calls(_ count: Int) -> [UInt8] {
        (0..<count).flatMap { number in
            Array(#"{"record":\#(number),"model":"m","input":7,"output":5}"#.utf8) + [0x0A]
        }
    }
}
