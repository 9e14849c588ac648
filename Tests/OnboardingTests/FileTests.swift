// SPDX-License-Identifier: Apache-2.0

import FlushCounter
import Foundation
import Testing
import Usage

@testable import Onboarding

/// The kinds of settings files, and how they are written and restored.
struct FileTests {
    private let home: TemporaryHome
    private let settings: String
    private let before = "{\n  \"model\": \"opus\"\n}\n"

    init() throws {
        home = try TemporaryHome()
        settings = try home.place(of: .claudeCode)
    }

    private var changeLog: ChangeLog { ChangeLog(home: home.account.programHome, files: home.files) }

    private func plan(_ endpoint: String = "http://127.0.0.1:4318", files: LocalFiles? = nil, force: Bool = false)
        -> AgentPlan
    {
        AgentPlan.make(
            for: .claudeCode,
            to: home.destination(endpoint),
            of: home.account,
            in: files ?? home.files,
            overriding: force
        )
    }

    private func write(_ plan: AgentPlan) throws {
        #expect(plan.fault == nil)
        for change in plan.changes { try changeLog.apply(change, subject: "claude-code", now: home.now) }
    }

    private func link(_ path: String, to target: String) throws {
        try home.makeFolder(of: path)
        try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: target)
    }

    private func linkTarget(_ path: String) -> String? {
        try? FileManager.default.destinationOfSymbolicLink(atPath: path)
    }

    @Test func `links are followed through each other and stay links`() throws {
        try home.write(before, to: home.path + "/dotfiles/claude/real.json", mode: 0o600)
        try link(home.path + "/dotfiles/settings.json", to: "claude/real.json")
        try link(home.path + "/links/second", to: home.path + "/dotfiles/settings.json")
        try link(settings, to: "../links/second")
        try write(plan())
        #expect(linkTarget(settings) == "../links/second")
        #expect(linkTarget(home.path + "/dotfiles/settings.json") == "claude/real.json")
        let written = home.path + "/dotfiles/claude/real.json"
        #expect(home.text(written)?.contains("OTEL_EXPORTER_OTLP_ENDPOINT") == true)
        #expect(home.mode(written) == 0o600)
        #expect(try FileManager.default.contentsOfDirectory(atPath: home.path + "/dotfiles/claude") == ["real.json"])
        #expect(try changeLog.undo(now: home.now).map(\.result) == [.restored])
        #expect(home.text(written) == before)
        #expect(linkTarget(settings) == "../links/second")
    }

    @Test func `a folder can be a link, and a link can lead to a file that is not there yet`() throws {
        try FileManager.default.removeItem(atPath: home.path + "/.claude")
        try FileManager.default.createDirectory(atPath: home.path + "/elsewhere", withIntermediateDirectories: true)
        try link(home.path + "/.claude", to: "elsewhere")
        try link(home.path + "/elsewhere/settings.json", to: "../store/claude.json")
        try write(plan())
        #expect(home.text(home.path + "/store/claude.json")?.contains("otlp") == true)
        #expect(try changeLog.undo(now: home.now).map(\.result) == [.removed])
        #expect(!FileManager.default.fileExists(atPath: home.path + "/store"))
        #expect(linkTarget(home.path + "/elsewhere/settings.json") == "../store/claude.json")
    }

    @Test func `a setting that cannot be changed is named, and nothing is written`() throws {
        try link(settings, to: "settings.json")
        #expect(plan().fault?.description.contains("a link in a circle") == true)
        try FileManager.default.removeItem(atPath: settings)
        try home.write(before, to: settings, mode: 0o444)
        #expect(plan().fault?.kind == .permission)
        #expect(plan().fault?.description.contains("read-only") == true)
        try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: settings)
        #expect(
            plan(files: LocalFiles(user: home.files.user + 1)).fault?.description.contains("belongs to user") == true
        )
        try FileManager.default.linkItem(atPath: settings, toPath: home.path + "/second-name")
        #expect(plan().fault?.description.contains("hard links") == true)
        try FileManager.default.removeItem(atPath: home.path + "/second-name")
        try FileManager.default.setAttributes([.posixPermissions: 0o555], ofItemAtPath: home.path + "/.claude")
        #expect(plan().fault?.description.contains("takes no new files") == true)
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: home.path + "/.claude")
        #expect(home.text(settings) == before)
        #expect(plan().fault == nil)
        try home.write(Data(repeating: 32, count: LocalFiles.largest + 1), to: settings)
        #expect(plan().fault?.description.contains("larger than 4 MiB") == true)
        try FileManager.default.removeItem(atPath: settings)
        try FileManager.default.createDirectory(atPath: settings, withIntermediateDirectories: false)
        #expect(plan().fault?.description.contains("no plain file") == true)
        #expect(!FileManager.default.fileExists(atPath: home.account.programHome))
    }

    @Test func `a written file, its copy and the record of both are there after a power cut`() throws {
        try home.write(before, to: settings)
        let flushes = FlushCounter(below: home.path)
        try write(plan())
        #expect(flushes.all[".claude"] == 1)
        #expect(flushes.count("/.hammurabi-") == 0)
        #expect(flushes.all.keys.count { $0.hasPrefix(".claude/.hammurabi-") } == 1)
        let backups = flushes.all.keys.filter { $0.hasPrefix(".hammurabi/backups/") }
        #expect(backups.count == 1)
        #expect(flushes.all[".hammurabi/backups"] == 1)
        // The folder of copies, and the change log in it.
        #expect(flushes.all[".hammurabi", default: 0] >= 2)
        #expect(flushes.all["/"] == 1)
    }

    @Test func `folders that are not there are made, and go again`() throws {
        try FileManager.default.removeItem(atPath: home.path + "/.claude")
        try write(plan())
        #expect(home.mode(settings) == 0o644)
        #expect(home.mode(home.account.programHome) == 0o700)
        #expect(try changeLog.undo(now: home.now).map(\.result) == [.removed])
        #expect(!FileManager.default.fileExists(atPath: home.path + "/.claude"))
    }

    @Test func `a file that another program changed meanwhile is not written`() throws {
        try home.write(before, to: settings)
        let plan = plan()
        try home.write("{}", to: settings)
        #expect(throws: SettingsError.self) { try write(plan) }
        #expect(home.text(settings) == "{}")
        #expect(try changeLog.records().isEmpty)
    }

    @Test func `several changes are undone together, back to the first`() throws {
        try home.write(before, to: settings, mode: 0o640)
        try write(plan())
        try write(plan("http://127.0.0.1:9000", force: true))
        #expect(home.text(settings)?.contains(":9000") == true)
        #expect(try changeLog.records().count == 2)
        #expect(try changeLog.undo(["codex"], now: home.now).isEmpty)
        #expect(try changeLog.undo(pretend: true, now: home.now).map(\.result) == [.restored])
        #expect(home.text(settings)?.contains(":9000") == true)
        #expect(try changeLog.undo(["claude-code"], now: home.now).map(\.result) == [.restored])
        #expect(home.text(settings) == before)
        #expect(home.mode(settings) == 0o640)
        #expect(home.files.names(in: home.account.programHome + "/backups").isEmpty)
    }

    @Test func `a file that was changed since stays, unless it must not`() throws {
        try home.write(before, to: settings)
        try write(plan())
        let edited = (home.text(settings) ?? "") + "\n"
        try home.write(edited, to: settings)
        #expect(try changeLog.undo(now: home.now).map(\.result) == [.changedSince])
        #expect(home.text(settings) == edited)
        #expect(try changeLog.undo(force: true, now: home.now).map(\.result) == [.restored])
        #expect(home.text(settings) == before)
        let kept = home.files.names(in: home.account.programHome + "/backups")
        #expect(kept.count == 1)
        #expect(home.text(home.account.programHome + "/backups/" + (kept.first ?? "")) == edited)
    }

    @Test func `a change between two of ours keeps both from being undone`() throws {
        try home.write(before, to: settings)
        try write(plan())
        let edited = (home.text(settings) ?? "").replacing("opus", with: "haiku")
        try home.write(edited, to: settings)
        try write(plan("http://127.0.0.1:9000", force: true))
        let last = home.text(settings)
        #expect(try changeLog.undo(now: home.now).map(\.result) == [.changedSince])
        #expect(home.text(settings) == last)
    }

    @Test func `a change that was noted and never made has nothing to undo`() throws {
        try home.write(before, to: settings)
        try write(plan())
        // As after a crash between the record and the file.
        try home.write(before, to: settings)
        #expect(try changeLog.undo(now: home.now).map(\.result) == [.restored])
        #expect(home.text(settings) == before)
    }

    @Test func `copies and changeLog are the owner's alone`() throws {
        try home.write(before, to: settings)
        try write(plan())
        let folder = home.account.programHome
        #expect(home.mode(folder + "/backups") == 0o700)
        #expect(home.mode(folder + "/onboarding.json") == 0o600)
        for name in home.files.names(in: folder + "/backups") {
            #expect(home.mode(folder + "/backups/" + name) == 0o600)
        }
    }

    @Test func `a file with the key in it is closed to others, though its text is right`() throws {
        for agent in [Agent.claudeCode, .codex] {
            let path = try home.place(of: agent)
            func plan() -> AgentPlan {
                AgentPlan.make(for: agent, to: home.destination(key: "hub_key"), of: home.account, in: home.files)
            }
            try write(plan())
            let text = home.text(path)
            try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: path)
            try write(plan())
            #expect(home.mode(path) == 0o600 && home.text(path) == text)
            #expect(plan().isConfigured && plan().currentKey == "hub_key")
            _ = try changeLog.undo(now: home.now)
            #expect(home.text(path) == nil)
        }
    }

    @Test func `a changeLog that cannot be read stops everything`() throws {
        try home.write(before, to: settings)
        try home.write("{", to: home.account.programHome + "/onboarding.json")
        #expect(throws: SettingsError.self) { try write(plan()) }
        #expect(throws: SettingsError.self) { try changeLog.undo(now: home.now) }
        #expect(home.text(settings) == before)
    }
}
