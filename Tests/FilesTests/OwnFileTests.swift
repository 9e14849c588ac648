// SPDX-License-Identifier: Apache-2.0

import Files
import FoundationEssentials
import Glibc
import Testing

/// The kinds of files that are opened.
struct OwnFileTests {
    private let folder: String

    init() throws {
        folder = FileManager.default.temporaryDirectory.path + "/own-\(UInt64.random(in: 0 ... .max))"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    }

    private func refusal(_ path: String, _ access: OwnFile.Access) -> FileError? {
        do throws(FileError) {
            close(try OwnFile.open(path, access))
            return nil
        } catch {
            return error
        }
    }

    @Test func `only a regular file is opened, and nothing is waited for`() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let (pipe, link, loose) = (folder + "/pipe", folder + "/link", folder + "/loose")
        #expect(mkfifo(pipe, 0o600) == 0 && symlink("/dev/null", link) == 0 && symlink("/nowhere", loose) == 0)
        let kinds: [(String, OwnFile.Kind)] = [
            (pipe, .pipe), (link, .link), (loose, .link), (folder, .folder), ("/dev/zero", .device),
        ]
        for (path, kind) in kinds {
            for access: OwnFile.Access in [.reading, .updating, .making, .appending, .replacing] {
                #expect(refusal(path, access)?.kind == kind, "\(path)")
            }
            #expect(refusal(path, .reading)?.reason.hasPrefix("it is \(kind.rawValue)") == true)
            #expect(OwnFile.kind(path) == kind)
            #expect(throws: FileError.self) { try OwnFile.refuseOthers(path) }
        }
    }

    @Test func `what is missing is named: the file, or its folder`() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        #expect(refusal(folder + "/none", .reading)?.reason == "there is no such file; make it, or name another one")
        #expect(refusal(folder + "/none/file", .reading)?.reason == "its folder is missing; make it again")
        #expect(throws: FileError.self) { try SecretFile(folder + "/token").text() }
        #expect("\(FileError(number: ENOENT, path: folder + "/token"))".hasSuffix("make it, or name another one"))
        #expect(FileError(number: ENOENT, path: "no-such-file-here").reason.hasPrefix("there is no such file"))
    }

    @Test func `files are made, replaced and read`() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let path = folder + "/file"
        #expect(refusal(path, .updating)?.number == ENOENT)
        #expect(try OwnFile.content(path, largest: 10) == nil)
        try OwnFile.refuseOthers(path)
        for (access, text) in [(OwnFile.Access.making, "one"), (.appending, "two"), (.replacing, "3")] {
            let file = try OwnFile.open(path, access)
            defer { close(file) }
            #expect(write(file, text, text.utf8.count) == text.utf8.count)
        }
        #expect(try OwnFile.content(path, largest: 1) == Array("3".utf8))
        #expect(throws: FileError.self) { try OwnFile.content(path, largest: 0) }
        let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
        #expect(mode == 0o600)
    }

    @Test func `a file that a user names may be a link, but nothing without an end`() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try Data("table".utf8).write(to: URL(filePath: folder + "/table"))
        #expect(symlink(folder + "/table", folder + "/link") == 0 && symlink("/dev/zero", folder + "/zero") == 0)
        #expect(try OwnFile.content(folder + "/link", largest: 10, followsLinks: true) == Array("table".utf8))
        #expect(throws: FileError.self) {
            try OwnFile.content(folder + "/zero", largest: 10, followsLinks: true)
        }
    }

    @Test func `a folder may be a link to one, and is nothing else`() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let names = ["real", "link", "loose", "pipe", "file"].map { folder + "/" + $0 }
        try DurableFolder.make(names[0])
        #expect(symlink(names[0], names[1]) == 0 && symlink("/nowhere/at/all", names[2]) == 0)
        #expect(mkfifo(names[3], 0o600) == 0)
        close(try OwnFile.open(names[4], .making))
        try DurableFolder.make(names[1] + "/below")
        #expect(try DurableFolder.names(in: names[0]) == ["below"])
        for (path, kind) in zip(names[2...], [OwnFile.Kind.link, .pipe, nil]) {
            #expect { try DurableFolder.make(path) } throws: { ($0 as? FileError)?.kind == kind }
        }
        #expect { try DurableFolder.make(names[4] + "/below") } throws: { ($0 as? FileError)?.number == ENOTDIR }
    }
}
