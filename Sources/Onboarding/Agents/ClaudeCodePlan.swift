// SPDX-License-Identifier: Apache-2.0

import JSON

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
