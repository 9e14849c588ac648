// SPDX-License-Identifier: Apache-2.0

import JSON
import Usage

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
