// SPDX-License-Identifier: Apache-2.0

import JSON
import TOMLKit

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
