// SPDX-License-Identifier: Apache-2.0

import JSON
import TOMLKit
import Usage

/// Claude Code: the object `env` of `settings.json`, strict JSON of text values.
extension Planning {
    /// Variables that put prompts, answers or whole requests into telemetry.
    private static let contentSwitches = [
        "OTEL_LOG_USER_PROMPTS", "OTEL_LOG_ASSISTANT_RESPONSES", "OTEL_LOG_TOOL_DETAILS", "OTEL_LOG_TOOL_CONTENT",
        "OTEL_LOG_RAW_API_BODIES",
    ]

    mutating func claudeCode() throws {
        let path = account.folder("CLAUDE_CONFIG_DIR", or: ".claude") + "/settings.json"
        if !startsFromNothing { try refuseManagedClaude() }
        let file = try open(path)
        let settings: JSONSettings
        do {
            settings = try JSONSettings(file.content ?? [], dialect: .strict)
        } catch {
            throw error.fault(in: path, file.content ?? [])
        }
        func current(_ name: String) -> String? { settings.scalar(at: ["env", name])?.plain }
        if let endpoint = current("OTEL_EXPORTER_OTLP_ENDPOINT"), destination.endpoint.isNamed(by: endpoint) {
            let headers = PercentText.entries(current("OTEL_EXPORTER_OTLP_HEADERS") ?? "")
            plan.currentKey = headers.first { $0.name.lowercased() == "authorization" }
                .flatMap { Self.key(inHeader: String($0.text.drop { $0 != "=" }.dropFirst())) }
        }
        plan.statusLine = Self.statusLineOwner(settings)
        try change(path, dialect: .strict, holdsKey: destination.key != nil, claudeWishes(current) + statusLineWishes)
        if destination.statusLine != nil, plan.statusLine == .other {
            plan.notes.append("\(path) has a status line of its own, which was left as it is")
        }
        for name in Self.contentSwitches where current(name).map(Self.isOn) == true {
            plan.notes.append("\(name) is on in \(path): texts are sent; it was left as it is")
        }
        noteProjectFiles(["/.claude/settings.json", "/.claude/settings.local.json"]) { root in
            root["env"]?.members?.contains { $0.key.hasPrefix("OTEL_") || $0.key == "CLAUDE_CODE_ENABLE_TELEMETRY" }
                == true
        }
        if settings.scalar(at: ["otelHeadersHelper"]) != nil {
            plan.notes.append("otelHeadersHelper in \(path) makes headers of its own, which join those in env")
        }
    }

    /// What `statusLine` in the settings runs; every other command is the user's own.
    private static func statusLineOwner(_ settings: JSONSettings) -> AgentPlan.StatusLineOwner {
        guard settings.root.node(at: ["statusLine"]) != nil else { return .none }
        let words = settings.scalar(at: ["statusLine", "command"])?.plain.split(separator: " ") ?? []
        let isOurs = zip(words, words.dropFirst()).contains { program, verb in
            verb == "statusline" && program.filter { $0 != "'" && $0 != "\"" }.hasSuffix("hammurabi")
        }
        return isOurs ? .this : .other
    }

    /// Source: the documentation of Claude Code, "Customize your status line".
    private var statusLineWishes: [JSONWish] {
        guard let command = destination.statusLine, plan.statusLine == .none else { return [] }
        return [
            JSONWish(["statusLine", "type"], .string("command")),
            JSONWish(["statusLine", "command"], .string(command)),
        ]
    }

    static func isOn(_ value: String) -> Bool { !["", "0", "false", "no", "off"].contains(value.lowercased()) }

    private func claudeWishes(_ current: (String) -> String?) -> [JSONWish] {
        let endpoint = destination.endpoint
        var wishes = [Self.claude("CLAUDE_CODE_ENABLE_TELEMETRY", "1") { Self.isOn($0.plain) ? .good : .replaceable }]
        for name in ["OTEL_LOGS_EXPORTER", "OTEL_METRICS_EXPORTER"] {
            wishes.append(Self.claude(name, Self.withOTLP(current(name) ?? "")))
        }
        // The address takes calls of gRPC, too.
        let isHere = current("OTEL_EXPORTER_OTLP_ENDPOINT").map { endpoint.isNamed(by: $0) } ?? false
        wishes.append(
            Self.claude("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf") {
                isHere && $0.plain == "grpc" ? .good : Self.judgeProtocol($0)
            }
        )
        wishes.append(
            Self.claude("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.description) {
                endpoint.isNamed(by: $0.plain) ? .good : .elsewhere
            }
        )
        wishes += ["logs", "metrics"].flatMap(claudeSignal)
        wishes += claudeHeaders(current)
        if let attributes = resourceAttributes(current("OTEL_RESOURCE_ATTRIBUTES") ?? "") {
            wishes.append(Self.claude("OTEL_RESOURCE_ATTRIBUTES", attributes))
        }
        return wishes
    }

    private static func claude(
        _ name: String,
        _ value: String,
        onlyIfThere: Bool = false,
        judge: ((JSONScalar) -> JSONWish.Judgement)? = nil
    ) -> JSONWish {
        JSONWish(["env", name], .string(value), onlyIfThere: onlyIfThere, judge: judge)
    }

    private static func judgeProtocol(_ current: JSONScalar) -> JSONWish.Judgement {
        ["http/protobuf", "http/json"].contains(current.plain) ? .good : .elsewhere
    }

    /// Settings of one signal override those of all signals.
    private func claudeSignal(_ signal: String) -> [JSONWish] {
        let prefix = "OTEL_EXPORTER_OTLP_\(signal.uppercased())"
        let endpoint = destination.endpoint
        return [
            Self.claude("\(prefix)_ENDPOINT", endpoint.url(of: signal), onlyIfThere: true) {
                endpoint.isNamed(by: $0.plain, path: "/v1/\(signal)") ? .good : .elsewhere
            },
            Self.claude("\(prefix)_PROTOCOL", "http/protobuf", onlyIfThere: true, judge: Self.judgeProtocol),
        ]
    }

    /// The headers with our key; headers for another collector are not sent to this one.
    private func claudeHeaders(_ current: (String) -> String?) -> [JSONWish] {
        let wasElsewhere = current("OTEL_EXPORTER_OTLP_ENDPOINT").map { !destination.endpoint.isNamed(by: $0) } ?? false
        let old = wasElsewhere ? "" : current("OTEL_EXPORTER_OTLP_HEADERS") ?? ""
        var wishes: [JSONWish] = []
        if let authorization = destination.authorization {
            let value = PercentText.setting("Authorization", to: authorization, in: old, ignoringCase: true)
            wishes.append(JSONWish(["env", "OTEL_EXPORTER_OTLP_HEADERS"], .string(value)))
        } else if wasElsewhere {
            wishes.append(JSONWish(["env", "OTEL_EXPORTER_OTLP_HEADERS"], .string(nil), onlyIfThere: true))
        }
        guard wasElsewhere else { return wishes }
        return wishes
            + ["LOGS", "METRICS"].map {
                JSONWish(["env", "OTEL_EXPORTER_OTLP_\($0)_HEADERS"], .string(nil), onlyIfThere: true)
            }
    }

    /// A list of exporters that includes `otlp`.
    private static func withOTLP(_ list: String) -> String {
        let names = list.split(separator: ",").map { $0.filter { $0 != " " } }.filter { $0 != "none" && !$0.isEmpty }
        if names.contains("otlp") { return list }
        return (names + ["otlp"]).joined(separator: ",")
    }

    /// The list of resource attributes with ours added where it lacks their names; nil when there are none.
    private func resourceAttributes(_ list: String) -> String? {
        let names = Set(PercentText.entries(list).map(\.name))
        guard names.isDisjoint(with: destination.resourceAttributes.map(\.name)) else { return nil }
        var result = list
        // With more than twelve attributes some versions send no metrics at all.
        for (name, value) in destination.resourceAttributes {
            guard PercentText.entries(result).count < 12 else { continue }
            result = PercentText.setting(name, to: value, in: result)
        }
        return result == list ? nil : result
    }

    /// Administrator settings override the user's: adds a note, and refuses when they send elsewhere.
    private mutating func refuseManagedClaude() throws {
        let folder = account.systemFolder + "/claude-code"
        let more = files.names(in: folder + "/managed-settings.d").filter {
            $0.hasSuffix(".json") && !$0.hasPrefix(".")
        }
        let paths = [folder + "/managed-settings.json"] + more.map { "\(folder)/managed-settings.d/\($0)" }
        for path in paths {
            guard let content = try SettingsFile.read(path, in: files).content else { continue }
            guard let env = (try? JSONParser.parse(content, dialect: .strict))?["env"]?.members else {
                plan.notes.append("\(path) holds an administrator's settings, which override yours")
                continue
            }
            let telemetry = env.filter { $0.key.hasPrefix("OTEL_") || $0.key == "CLAUDE_CODE_ENABLE_TELEMETRY" }
            guard !telemetry.isEmpty else { continue }
            let elsewhere = telemetry.first { member in
                guard let value = member.value.scalar?.plain else { return false }
                switch member.key {
                case "CLAUDE_CODE_ENABLE_TELEMETRY": return !Self.isOn(value)
                case "OTEL_EXPORTER_OTLP_ENDPOINT": return !destination.endpoint.isNamed(by: value)
                case "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT":
                    return !destination.endpoint.isNamed(by: value, path: "/v1/logs")
                default: return false
                }
            }
            if let elsewhere, !overriding {
                throw SettingsError(
                    .permission,
                    "\(path), the administrator's settings, sets \(elsewhere.key) and overrides yours; ask for a change there"
                )
            }
            let names = telemetry.map(\.key).joined(separator: ", ")
            plan.notes.append("\(path), the administrator's settings, overrides yours for \(names)")
        }
    }
}

/// Codex: the table `otel` of `config.toml`, in which an unknown key makes the whole file unreadable.
extension Planning {
    private static let table = ["otel"]

    mutating func codex() throws {
        let path = account.folder("CODEX_HOME", or: ".codex") + "/config.toml"
        plan.paths.append(path)
        let file = try open(path)
        let before = file.content ?? []
        let old: [[String]: String]
        do {
            old = try TOMLCheck.content(of: before)
        } catch {
            throw error.fault(in: path, before)
        }
        do {
            var settings = try TOMLSettings(before)
            try changeCodex(&settings, path)
            let holdsKey = destination.key != nil
            guard settings.bytes != before || isTooOpen(file, holdsKey: holdsKey) else { return }
            guard let new = try? TOMLCheck.content(of: settings.bytes) else {
                throw TOMLSettings.Unsupported(reason: "the result would not be TOML")
            }
            try Self.verify(old, new, touched: Self.codexKeys.map { Self.table + [$0] }, path)
            plan.changes.append(FileChange(file, content: settings.bytes, holdsKey: holdsKey))
        } catch let reason as TOMLSettings.Unsupported {
            throw SettingsError(
                .badContent,
                "\(path) cannot be changed safely: \(reason.reason); paste the settings by hand, nothing was changed"
            )
        }
    }

    private static let codexKeys = ["environment", "log_user_prompt", "exporter", "metrics_exporter", "trace_exporter"]

    private mutating func changeCodex(_ settings: inout TOMLSettings, _ path: String) throws {
        guard !settings.hasTableArray(Self.table) else {
            throw SettingsError(
                .badContent,
                "\(path): [[otel]] is a list of tables, which Codex does not take; write [otel], nothing was changed"
            )
        }
        func missing(_ key: String) -> Bool { !settings.has(Self.table + [key]) }
        if missing("environment") { try settings.set("\"dev\"", at: Self.table + ["environment"]) }
        if missing("log_user_prompt") {
            try settings.set("false", at: Self.table + ["log_user_prompt"])
        } else if settings.valueText(at: Self.table + ["log_user_prompt"]) == "true" {
            plan.notes.append("log_user_prompt is true in \(path): prompts are sent; it was left as it is")
        }
        try exporter("exporter", "logs", &settings, path, isNeeded: true)
        try exporter("metrics_exporter", "metrics", &settings, path, isNeeded: false)
        if missing("trace_exporter") { try settings.set("\"none\"", at: Self.table + ["trace_exporter"]) }
    }

    /// Sets one exporter, or its missing keys.
    private mutating func exporter(
        _ key: String,
        _ signal: String,
        _ settings: inout TOMLSettings,
        _ path: String,
        isNeeded: Bool
    ) throws {
        let place = Self.table + [key]
        let whole = "{ otlp-http = \(codexExporter(signal)) }"
        guard settings.has(place) else { return try settings.set(whole, at: place) }
        if let word = settings.string(at: place) {
            if word == "none", !isNeeded { return }
            if word == "none" { return try settings.set(whole, at: place) }
            conflict(path, place.joined(separator: "."), word)
            return overriding ? try settings.set(whole, at: place) : ()
        }
        let http = place + ["otlp-http"]
        let endpoint = settings.string(at: http + ["endpoint"])
        if settings.names(below: place) == ["otlp-http"], let endpoint, isOurs(endpoint, signal) {
            return try complete(http, endpoint, signal, &settings)
        }
        if settings.names(below: place).isEmpty { return try settings.set(whole, at: place) }
        let other = endpoint ?? settings.string(at: place + ["otlp-grpc", "endpoint"])
        conflict(
            path,
            place.joined(separator: "."),
            other ?? settings.names(below: place).sorted().joined(separator: ", ")
        )
        guard overriding else { return }
        if settings.valueText(at: place) == nil { try settings.remove(place) }
        try settings.set(whole, at: place)
    }

    /// Whether an exporter's address is the destination, with or without the path of the signal.
    private func isOurs(_ endpoint: String, _ signal: String) -> Bool {
        destination.endpoint.isNamed(by: endpoint, path: "/v1/\(signal)") || destination.endpoint.isNamed(by: endpoint)
    }

    private mutating func complete(
        _ http: [String],
        _ endpoint: String,
        _ signal: String,
        _ settings: inout TOMLSettings
    ) throws {
        if !destination.endpoint.isNamed(by: endpoint, path: "/v1/\(signal)") {
            try settings.set(destination.endpoint.url(of: signal).jsonString, at: http + ["endpoint"])
        }
        if settings.string(at: http + ["protocol"]) == nil { try settings.set("\"binary\"", at: http + ["protocol"]) }
        let headers = http + ["headers"]
        let name = settings.names(below: headers).first { $0.lowercased() == "authorization" } ?? "Authorization"
        plan.currentKey = plan.currentKey ?? settings.string(at: headers + [name]).flatMap(Self.key)
        guard let authorization = destination.authorization else { return }
        guard settings.string(at: headers + [name]) != authorization else { return }
        try settings.set(authorization.jsonString, at: headers + [name])
    }

    private func codexExporter(_ signal: String) -> String {
        let headers =
            destination.authorization.map { ", headers = { \"Authorization\" = \($0.jsonString) }" } ?? ""
        return
            "{ endpoint = \(destination.endpoint.url(of: signal).jsonString), protocol = \"binary\"\(headers) }"
    }
}

/// Reads TOML with the library's parser.
enum TOMLCheck {
    /// Every value with its path; throws when the text is not TOML.
    static func content(of bytes: [UInt8]) throws(SyntaxError) -> [[String]: String] {
        if let fault = TextShape.firstFault(of: bytes) { throw fault }
        let mark = TextShape(bytes).mark.count
        let text = String(decoding: bytes.dropFirst(mark), as: UTF8.self)
        do {
            var result: [[String]: String] = [:]
            collect(try TOMLTable(string: text), into: &result, path: [])
            return result
        } catch let error as TOMLParseError {
            throw SyntaxError(
                offset: offset(ofLine: error.source.begin.line, column: error.source.begin.column, in: bytes),
                message: error.description
            )
        } catch {
            throw SyntaxError(offset: 0, message: "\(error)")
        }
    }

    private static func collect(_ table: TOMLTable, into result: inout [[String]: String], path: [String]) {
        result[path] = "{}"
        for key in table.keys {
            guard let value = table[key] else { continue }
            if let inner = value.table {
                collect(inner, into: &result, path: path + [key])
            } else {
                result[path + [key]] = "\(value.type) \(value.debugDescription)"
            }
        }
    }

    private static func offset(ofLine line: Int, column: Int, in bytes: [UInt8]) -> Int {
        var start = 0
        for _ in 1..<max(1, line) {
            guard let end = bytes[start...].firstIndex(of: 10) else { break }
            start = end + 1
        }
        return min(bytes.count, start + max(0, column - 1))
    }
}

/// Agents with a few keys in a JSON file, and the variables for what their files cannot hold.
extension Planning {
    // MARK: - Gemini CLI and Qwen Code

    mutating func gemini() throws {
        let (folder, prefix, system) =
            plan.agent == .gemini
            ? (".gemini", "GEMINI_TELEMETRY_", "gemini-cli") : (".qwen", "QWEN_TELEMETRY_", "qwen-code")
        let path = "\(account.home)/\(folder)/settings.json"
        let endpoint = destination.endpoint
        try change(
            path,
            dialect: .withComments,
            [
                JSONWish(["telemetry", "enabled"], .bool(true)),
                JSONWish(["telemetry", "target"], .string("local")) { _ in .elsewhere },
                JSONWish(["telemetry", "otlpEndpoint"], .string(endpoint.description)) {
                    endpoint.isNamed(by: $0.plain) ? .good : .elsewhere
                },
                JSONWish(["telemetry", "otlpProtocol"], .string("http")),
                JSONWish(["telemetry", "logPrompts"], .bool(false)),
                // An output file would replace the endpoint.
                JSONWish(["telemetry", "outfile"], .string(nil), onlyIfThere: true) { _ in .elsewhere },
            ]
        )
        for name in account.environment.keys.sorted() where name.hasPrefix(prefix) {
            plan.notes.append("the environment variable \(name) is set and overrides \(path)")
        }
        noteProjectFiles(["/\(folder)/settings.json"]) { $0["telemetry"] != nil }
        let managed = "\(account.systemFolder)/\(system)/settings.json"
        if files.status(managed) != nil {
            plan.notes.append("\(managed) holds an administrator's settings, which override yours")
        }
        keyByEnvironment()
    }

    // MARK: - OpenCode

    mutating func opencode() throws {
        let folder = account.configFolder + "/opencode"
        // When both files exist, the one with comments is read last and overrides the other.
        let name = files.status(folder + "/opencode.jsonc") == nil ? "opencode.json" : "opencode.jsonc"
        try change(
            folder + "/" + name,
            dialect: .withComments,
            [JSONWish(["experimental", "openTelemetry"], .bool(true))]
        )
        plan.environment.append(
            EnvironmentVariable(name: "OTEL_EXPORTER_OTLP_ENDPOINT", value: destination.endpoint.description)
        )
        keyByEnvironment()
        noteSharedVariables()
        noteOtherEndpoint()
    }

    private mutating func noteSharedVariables() {
        plan.notes.append(
            "these variables switch on every program with OpenTelemetry that is started from the same shell"
        )
    }

    private mutating func noteOtherEndpoint() {
        guard let named = account.environment["OTEL_EXPORTER_OTLP_ENDPOINT"], !destination.endpoint.isNamed(by: named)
        else {
            return
        }
        plan.notes.append("OTEL_EXPORTER_OTLP_ENDPOINT is \(named) in this shell")
    }

    // MARK: - GitHub Copilot

    mutating func copilot() throws {
        let folders = ["Code", "Code - Insiders"].map { "\(account.configFolder)/\($0)/User" }
        let editors = startsFromNothing ? [folders[0]] : folders.filter { files.isFolder($0) }
        let endpoint = destination.endpoint
        let prefix = "github.copilot.chat.otel."
        for folder in editors {
            try change(
                folder + "/settings.json",
                dialect: .withComments,
                [
                    JSONWish([prefix + "enabled"], .bool(true)),
                    JSONWish([prefix + "exporterType"], .string("otlp-http")) { _ in .elsewhere },
                    JSONWish([prefix + "otlpEndpoint"], .string(endpoint.description)) {
                        endpoint.isNamed(by: $0.plain) ? .good : .elsewhere
                    },
                    JSONWish([prefix + "captureContent"], .bool(false)) { _ in .good },
                    JSONWish([prefix + "outfile"], .string(nil), onlyIfThere: true) { _ in .elsewhere },
                ]
            )
            noteCapturedContent(folder + "/settings.json", prefix + "captureContent")
        }
        plan.hasSettings = !editors.isEmpty
        plan.environment += [
            EnvironmentVariable(name: "COPILOT_OTEL_ENABLED", value: "true"),
            EnvironmentVariable(name: "OTEL_EXPORTER_OTLP_ENDPOINT", value: destination.endpoint.description),
        ]
        keyByEnvironment()
        plan.notes.append(
            "the command line and the app of Copilot have no settings file for this; set the variables in your shell's profile"
        )
        noteSharedVariables()
        noteOtherEndpoint()
    }

    private mutating func noteCapturedContent(_ path: String, _ key: String) {
        guard let content = try? SettingsFile.read(path, in: files).content,
            let settings = try? JSONSettings(content, dialect: .withComments),
            settings.scalar(at: [key]) == .bool(true)
        else { return }
        plan.notes.append("\(key) is true in \(path): texts are sent; it was left as it is")
    }

    // MARK: - Agents that send nothing

    mutating func withoutTelemetry() {
        plan.hasSettings = false
        plan.notes.append(plan.agent.withoutTelemetry)
    }
}
