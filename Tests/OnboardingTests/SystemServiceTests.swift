// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

@testable import Onboarding

/// The service of the whole machine, written below a folder in place of the root.
struct SystemServiceTests {
    private static let packaging = URL(filePath: #filePath).deletingLastPathComponent()
        .appending(path: "../../.ci/packaging").standardized

    private static func service(_ root: String, program: String = "/opt/hub/hammurabi") throws -> SystemService {
        SystemService(
            unit: try String(contentsOf: packaging.appending(path: "hammurabi.service"), encoding: .utf8),
            config: try String(contentsOf: packaging.appending(path: "config.yaml"), encoding: .utf8),
            program: program,
            root: root
        )
    }

    @Test func `the unit is that of the package with another program`() throws {
        let unit = try String(contentsOf: Self.packaging.appending(path: "hammurabi.service"), encoding: .utf8)
        #expect(try Self.service("", program: SystemService.packagedProgram).unit == unit)
        let other = try Self.service("", program: "/opt/my hub/h$").unit
        #expect(other.contains("ExecStart=\"/opt/my hub/h$$\" run --config /etc/hammurabi/config.yaml\n"))
        let lines = zip(unit.split(separator: "\n"), other.split(separator: "\n")).filter { $0.0 != $0.1 }
        #expect(lines.count == 1)
    }

    @Test func `unit, user and configuration are written below the root, and undone`() throws {
        let home = try TemporaryHome()
        let service = try Self.service(home.path + "/image/")
        let changes = try service.changes(in: home.files)
        let root = home.path + "/image"
        #expect(
            changes.map(\.file.path) == [
                root + "/etc/hammurabi/config.yaml", root + "/etc/sysusers.d/hammurabi.conf",
                root + "/etc/systemd/system/hammurabi.service",
            ]
        )
        #expect(changes.map(\.mode) == [0o640, 0o644, 0o644])
        let log = ChangeLog(home: service.journalHome, files: home.files)
        for change in changes { try log.apply(change, subject: "system-service", now: home.now) }
        #expect(try service.changes(in: home.files).isEmpty)
        #expect(
            try String(contentsOfFile: root + "/etc/sysusers.d/hammurabi.conf", encoding: .utf8).contains(
                "u hammurabi - "
            )
        )
        #expect(try log.undo(["system-service"], now: home.now).map(\.result) == [.removed, .removed, .removed])
        #expect(!FileManager.default.fileExists(atPath: root + "/etc/systemd"))
    }

    @Test func `a configuration that is there stays, also when the service goes`() throws {
        let home = try TemporaryHome()
        try home.write("receivers:\n", to: home.path + "/image/etc/hammurabi/config.yaml")
        let service = try Self.service(home.path + "/image")
        let changes = try service.changes(in: home.files)
        #expect(changes.count == 2 && !changes.contains { $0.file.path == service.configPath })
        let log = ChangeLog(home: service.journalHome, files: home.files)
        for change in changes { try log.apply(change, subject: "system-service", now: home.now) }
        _ = try log.undo(["system-service"], now: home.now)
        #expect(try String(contentsOfFile: service.configPath, encoding: .utf8) == "receivers:\n")
    }

    @Test(arguments: ["/home/ada/bin/hammurabi", "/root/hammurabi", "/tmp/x/hammurabi", "/var/tmp/hammurabi"])
    func `a program that the unit hides from itself is refused with where to put it`(program: String) throws {
        #expect(try Self.service("", program: program).fault?.contains("/usr/local/bin/hammurabi") == true)
    }

    @Test func `a path that no unit can hold is refused`() throws {
        for program in ["hammurabi", "/a\nExecStartPre=/b"] {
            #expect(try Self.service("", program: program).fault != nil)
        }
        #expect(try Self.service("", program: "/usr/local/bin/hammurabi").fault == nil)
    }

    @Test func `the unit of a package is known`() throws {
        let home = try TemporaryHome()
        let service = try Self.service(home.path)
        #expect(!service.isPackaged(in: home.files))
        try home.write("[Unit]\n", to: home.path + "/usr/lib/systemd/system/hammurabi.service")
        #expect(service.isPackaged(in: home.files))
    }
}
