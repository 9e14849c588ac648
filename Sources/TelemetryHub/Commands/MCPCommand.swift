// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Collector
import HubAPI
import JSON
import Usage

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// The command `hammurabi mcp`.
struct MCPCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "mcp",
        abstract:
            "Runs a Model Context Protocol server, so that an agent can ask what it costs.",
        discussion: """
            Its tools only read: summary, blocks, sessions, session, limits, budget, compare and prices. No text of a prompt or an answer is \
            stored, so none can be asked for. It asks the collector when one runs, else reads the store.

            For Claude Code:
              claude mcp add hammurabi -- hammurabi mcp
            """
    )

    @OptionGroup var options: ConfigOptions

    func run() async throws {
        let environment = Environment.process
        let tools = MCPTools(options: options, environment: environment)
        let server = MCPServer { try await tools.call($0, $1) }
        var lines = InputLines(longest: 1 << 20)
        while let line = lines.next() {
            guard let answer = await server.answer(to: line) else { continue }
            Console.answer(answer + "\n")
        }
    }
}

/// The lines of standard input, without their ends.
struct InputLines {
    /// A line that is longer is an empty one, which no protocol means anything by.
    let longest: Int
    private var rest: [UInt8] = []
    private var isTooLong = false

    init(longest: Int) { self.longest = longest }

    /// The next line; nil when there is none.
    mutating func next() -> [UInt8]? {
        var buffer = [UInt8](repeating: 0, count: 65_536)
        var searched = 0
        while true {
            if let end = rest[searched...].firstIndex(of: 0x0A) {
                let line = isTooLong ? [] : Array(rest[..<end])
                rest.removeSubrange(...end)
                isTooLong = false
                return line
            }
            if rest.count > longest {
                rest.removeAll()
                isTooLong = true
            }
            searched = rest.count
            let count = read(STDIN_FILENO, &buffer, buffer.count)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else {
                defer { rest.removeAll() }
                return rest.isEmpty || isTooLong ? nil : rest
            }
            rest += buffer.prefix(count)
        }
    }
}

/// Answers the messages of one client; safe to use from one task at a time.
///
/// Source: the specification of the Model Context Protocol, 2025-06-18, and JSON-RPC 2.0.
struct MCPServer {
    /// Calls a tool with its arguments and returns a JSON object.
    var call: (String, [String: JSONValue]) async throws -> String

    /// The versions of the protocol that are spoken, the newest first.
    static let versions = ["2025-06-18", "2025-03-26", "2024-11-05"]

    /// The answer to a message, one line of JSON; nil for what wants none.
    func answer(to line: [UInt8]) async -> String? {
        if line.allSatisfy({ $0 == 0x20 || $0 == 0x0D }) { return nil }
        var reader = JSONReader(line)
        guard let message = try? reader.value(), (try? reader.finish()) != nil else {
            return Self.error(nil, -32_700, "this line is no JSON")
        }
        guard case .object = message, case .string(let method)? = message["method"] else {
            // An answer of the client's, to a question that was never asked.
            if message["result"] != nil || message["error"] != nil { return nil }
            return Self.error(message["id"], -32_600, "a message needs a method")
        }
        // What has no id is a notice.
        guard let id = message["id"] else { return nil }
        switch method {
        case "initialize": return Self.result(id, Self.introduction(message["params"]))
        case "ping": return Self.result(id, "{}")
        case "tools/list": return Self.result(id, MCPTools.list)
        case "tools/call": return await called(id, message["params"])
        default: return Self.error(id, -32_601, "there is no method \(method.prefix(80))")
        }
    }

    private static func introduction(_ parameters: JSONValue?) -> String {
        var version = versions[0]
        if case .string(let asked)? = parameters?["protocolVersion"], versions.contains(asked) { version = asked }
        return
            #"{"protocolVersion":\#(version.jsonString),"capabilities":{"tools":{}},"serverInfo":{"name":"hammurabi","#
            + #""title":"Telemetry Hub","version":\#(Version.number.jsonString)},"instructions":"#
            + "What calls to models cost, by period, session and block of five hours. Money is in US dollars."
            .jsonString
            + "}"
    }

    private func called(_ id: JSONValue, _ parameters: JSONValue?) async -> String {
        guard case .string(let name)? = parameters?["name"], MCPTools.names.contains(name) else {
            return Self.error(id, -32_602, "there is no such tool; tools/list names them")
        }
        var arguments: [String: JSONValue] = [:]
        switch parameters?["arguments"] {
        case nil, .null: break
        case .object(let members): arguments = members
        default: return Self.error(id, -32_602, "arguments must be an object")
        }
        do {
            let text = try await call(name, arguments)
            return Self.result(
                id,
                #"{"content":[{"type":"text","text":\#(text.jsonString)}],"structuredContent":\#(text),"isError":false}"#
            )
        } catch {
            // The model reads it, and can ask in another way.
            let failure = CommandFailure(error)
            let text = failure.message + (failure.suggestion.map { "; \($0)" } ?? "")
            return Self.result(id, #"{"content":[{"type":"text","text":\#(text.jsonString)}],"isError":true}"#)
        }
    }

    private static func result(_ id: JSONValue, _ result: String) -> String {
        #"{"jsonrpc":"2.0","id":\#(text(id)),"result":\#(result)}"#
    }

    private static func error(_ id: JSONValue?, _ code: Int, _ message: String) -> String {
        #"{"jsonrpc":"2.0","id":\#(text(id)),"error":{"code":\#(code),"message":\#(message.jsonString)}}"#
    }

    /// An id as it was given: a text or a number.
    private static func text(_ id: JSONValue?) -> String {
        switch id {
        case .string(let text)?: text.jsonString
        case .number(let text)?: text
        default: "null"
        }
    }
}

/// What an agent can ask: each tool is a question to the API.
struct MCPTools {
    let options: ConfigOptions
    let environment: Environment

    private struct Tool {
        var name: String
        var description: String
        /// The names of its arguments, and what each means; a question mark at the end makes it optional.
        var arguments: [(name: String, description: String)]
    }

    private static let period: [(name: String, description: String)] = [
        ("period?", "today, 7d, 30d, 90d or YYYY-MM; the current month without it"),
        ("from?", "first day, YYYY-MM-DD, together with to"), ("to?", "last day, YYYY-MM-DD"),
        ("timezone?", "an IANA name; the hub's without it"),
    ]
    private static let filters = UsageDimension.allCases.map { dimension in
        let fixed = dimension.fixedNames.map { names in
            names.count > 2 ? ", \(names[0]) to \(names[names.count - 1])" : ", \(names.joined(separator: " or "))"
        }
        return (name: "\(dimension.rawValue)?", description: "only this \(dimension.title.lowercased())\(fixed ?? "")")
    }

    private static let all: [Tool] = [
        Tool(
            name: "summary",
            description:
                "Cost and tokens of a period by model, agent, project, user, machine, team, branch, agent kind, hour of the day and day, with the budget.",
            arguments: period + filters
        ),
        Tool(
            name: "blocks",
            description: "Usage in blocks of five hours: cost, tokens, burn rate and projection of the active one.",
            arguments: [
                ("active?", "true for the block under way alone"), ("recent?", "true for the last three days"),
                ("tokenLimit?", "tokens a block may have, or max for the largest before"),
            ] + filters
        ),
        Tool(
            name: "sessions",
            description: "Sessions with cost, tokens, calls and state, the latest first.",
            arguments: [
                ("status?", "active, idle, stale or completed"),
                ("q?", "text in id, name, project, user, branch or team"),
                ("sort?", "lastSeenAt, startedAt, cost, totalTokens, calls or durationMs"),
                ("limit?", "1 to 100; default 20"),
            ] + period + filters
        ),
        Tool(name: "session", description: "One session with its calls.", arguments: [("id", "the id of the session")]),
        Tool(
            name: "limits",
            description: "How much of the limits of subscriptions is used, as agents reported it, with reset and age.",
            arguments: [
                ("agent?", "only limits of this agent"), ("machine?", "only what this machine reported"),
                ("current?", "true for limits whose windows have not ended alone"),
            ]
        ),
        Tool(
            name: "budget",
            description: "How the current period of each budget goes: limit, spent, even pace and forecast.",
            arguments: [("name?", "only the budget of this name")]
        ),
        Tool(
            name: "compare",
            description: "What the calls of a period would have cost at another model's list prices.",
            arguments: [("with", "the other model")] + period + filters
        ),
        Tool(
            name: "prices",
            description: "Dollars per million tokens of models, and models that were called and have no price.",
            arguments: [("model", "text in the model's name")]
        ),
    ]

    /// The names of the tools.
    static let names = all.map(\.name)

    /// The answer to `tools/list`.
    static let list: String = {
        let tools = MCPTools.all.map { (tool: Tool) -> String in
            let properties = tool.arguments.map { argument in
                "\(MCPTools.bare(argument.name).jsonString):{\"type\":\"string\",\"description\":\(argument.description.jsonString)}"
            }
            let required = tool.arguments.map(\.name).filter { !$0.hasSuffix("?") }.map(\.jsonString)
            return "{\"name\":\(tool.name.jsonString),\"description\":\(tool.description.jsonString),\"inputSchema\":"
                + "{\"type\":\"object\",\"properties\":{\(properties.joined(separator: ","))},\"required\":["
                + required.joined(separator: ",")
                + "]},\"annotations\":{\"readOnlyHint\":true,\"openWorldHint\":false}}"
        }
        return "{\"tools\":[\(tools.joined(separator: ","))]}"
    }()

    private static func bare(_ name: String) -> String { name.hasSuffix("?") ? String(name.dropLast()) : name }

    /// Asks, and returns a JSON object.
    func call(_ name: String, _ arguments: [String: JSONValue]) async throws -> String {
        guard let tool = Self.all.first(where: { $0.name == name }) else { throw CommandFailure.usage("no such tool") }
        var query: [(String, String)] = []
        for (argument, _) in tool.arguments {
            switch arguments[Self.bare(argument)] {
            case nil, .null:
                guard argument.hasSuffix("?") else { throw CommandFailure.usage("\(name) needs \(argument)") }
            case .string(let text): query.append((Self.bare(argument), text))
            case .number(let text): query.append((Self.bare(argument), text))
            case .bool(let flag): query.append((Self.bare(argument), String(flag)))
            default: throw CommandFailure.usage("\(Self.bare(argument)) must be a text")
            }
        }
        let known = Set(tool.arguments.map { Self.bare($0.name) })
        if let other = arguments.keys.sorted().first(where: { !known.contains($0) }) {
            throw CommandFailure.usage(
                "\(name) has no argument \(other.prefix(40)); it has \(known.sorted().joined(separator: ", "))"
            )
        }
        let question = query
        let graph = try options.graphForAnyFolder(environment)
        func ask(_ hub: HubConnection) async throws -> String { try await Self.ask(name, question, hub) }
        return try await HubConnection.with(.either, of: graph, environment, ask)
    }

    private static func ask(_ name: String, _ query: [(String, String)], _ hub: HubConnection) async throws -> String {
        switch name {
        case "summary": return try await hub.ask(.summary, query + [("sessions", "false")]).text
        case "blocks": return try await hub.ask(.blocks, query).text
        case "sessions":
            let limit = query.first { $0.0 == "limit" }.flatMap { Int($0.1) }.map { min(max($0, 1), 100) } ?? 20
            return try await hub.ask(.sessions, query.filter { $0.0 != "limit" } + [("limit", String(limit))]).text
        case "session": return try await SessionSearch(hub: hub).detail(query.first?.1 ?? "").text
        case "limits": return try await hub.ask(.limits, query).text
        case "budget":
            let answer = try await hub.ask(.budgets)
            guard let name = query.first?.1 else { return answer.text }
            var document = answer.document
            document.budgets.removeAll { $0.name != name }
            guard !document.budgets.isEmpty else {
                let names = answer.document.budgets.map(\.name).joined(separator: ", ")
                throw CommandFailure.usage(
                    "there is no budget called \(name.prefix(80))",
                    suggestion: names.isEmpty ? "the configuration has none" : "the budgets are \(names)"
                )
            }
            return try OrderedJSONEncoder.text(of: document)
        case "compare": return try await hub.ask(.compare, query).text
        default:
            var document = try await hub.ask(.prices).document
            let text = (query.first?.1 ?? "").lowercased()
            document.models = Array(document.models.filter { $0.model.lowercased().contains(text) }.prefix(100))
            document.aliases = []
            return try OrderedJSONEncoder.text(of: document)
        }
    }
}

extension JSONValue {
    /// A member of an object; nil where there is none.
    fileprivate subscript(name: String) -> JSONValue? {
        if case .object(let members) = self { members[name] } else { nil }
    }
}
