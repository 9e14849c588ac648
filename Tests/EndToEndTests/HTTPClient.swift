// SPDX-License-Identifier: Apache-2.0

import Foundation
import FoundationNetworking
import Testing

/// An answer of the running program.
struct Reply {
    let status: Int
    let fields: [String: String]
    let body: Data

    var text: String { String(decoding: body, as: UTF8.self) }

    func json() throws -> NSDictionary {
        try #require(try JSONSerialization.jsonObject(with: body) as? NSDictionary, "\(text)")
    }
}

extension RunningProgram {
    func get(_ path: String) async throws -> Reply { try await request("GET", path) }

    func post(_ path: String, _ body: Data, type: String = "application/json") async throws -> Reply {
        try await request("POST", path, body, type: type)
    }

    func request(
        _ method: String,
        _ path: String,
        _ body: Data? = nil,
        type: String? = nil,
        fields: [String: String] = [:]
    ) async throws -> Reply {
        var request = URLRequest(url: try #require(URL(string: try address() + path)))
        request.httpMethod = method
        request.httpBody = body
        request.timeoutInterval = 60
        request.setValue(type, forHTTPHeaderField: "Content-Type")
        for (name, value) in fields { request.setValue(value, forHTTPHeaderField: name) }
        let (data, response) = try await URLSession.shared.data(for: request)
        let head = try #require(response as? HTTPURLResponse)
        let fields = head.allHeaderFields.map { ("\($0.key)".lowercased(), "\($0.value)") }
        return Reply(status: head.statusCode, fields: Dictionary(fields) { $1 }, body: data)
    }
}

/// The request of Claude Code 2.1.330 for one call: an `api_request` event and the response to it.
func claudeCodeLogs() throws -> Data {
    try Data(
        contentsOf: URL(filePath: #filePath).deletingLastPathComponent().appending(
            path: "Fixtures/claude-code-logs.json"
        )
    )
}

/// The day of that call.
let recordedDay = "2026-11-22"
