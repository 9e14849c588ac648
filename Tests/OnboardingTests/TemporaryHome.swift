// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing
import Usage

@testable import Onboarding

/// A temporary home directory, removed with the object.
final class TemporaryHome {
    let path: String
    let account: Account
    let files = LocalFiles()
    let now = Timestamp(nanoseconds: 1_795_335_224_000_000_000)

    init(environment: [String: String] = [:]) throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "onboarding-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        path = folder.path
        account = try #require(
            Account(environment: ["HOME": folder.path].merging(environment) { $1 }, systemFolder: folder.path + "/etc")
        )
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func destination(key: String? = nil, _ endpoint: String = "http://127.0.0.1:4318") -> Destination {
        Destination(
            endpoint: EndpointURL(endpoint) ?? EndpointURL(loopbackPort: 4_318),
            key: key,
            hostName: "dev box",
            machineID: "0123456789abcdef0123456789abcdef"
        )
    }

    /// The path of an agent's settings; creates its folder.
    func place(of agent: Agent) throws -> String {
        let place =
            switch agent {
            case .claudeCode: ".claude/settings.json"
            case .codex: ".codex/config.toml"
            case .gemini: ".gemini/settings.json"
            case .qwen: ".qwen/settings.json"
            case .openCode: ".config/opencode/opencode.json"
            case .copilot: ".config/Code/User/settings.json"
            case .cline, .pi, .kimi, .amp, .cursor: ".\(agent.rawValue)/settings.json"
            }
        let full = path + "/" + place
        try makeFolder(of: full)
        return full
    }

    func makeFolder(of file: String) throws {
        try FileManager.default.createDirectory(
            atPath: LocalFiles.folder(of: file),
            withIntermediateDirectories: true
        )
    }

    func write(_ content: Data, to file: String, mode: Int = 0o644) throws {
        try makeFolder(of: file)
        try content.write(to: URL(filePath: file))
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: file)
    }

    func write(_ text: String, to file: String, mode: Int = 0o644) throws {
        try write(Data(text.utf8), to: file, mode: mode)
    }

    func content(_ file: String) -> Data? { FileManager.default.contents(atPath: file) }

    func text(_ file: String) -> String? { content(file).map { String(decoding: $0, as: UTF8.self) } }

    func mode(_ file: String) -> UInt32? { files.status(file)?.mode }
}
