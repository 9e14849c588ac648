// SPDX-License-Identifier: Apache-2.0

import Collector
import FoundationEssentials
import RawHTTP
import Testing
import YAML

/// Every file under `Tests/Fixtures/bad` has a file with the program's output about it, word for word.
///
/// `name.overlay.yaml` is a second `--config` file for `name.yaml`, and `name.set` holds `--set` arguments, one a line.
/// `RECORD=1 swift test --filter GoldenDiagnosticsTests` writes the outputs again; read them before they are committed.
struct GoldenDiagnosticsTests {
    private static let folder = Package.root.appending(path: "Tests/Fixtures/bad")
    private static let overlayEnding = ".overlay.yaml"

    static let names = ((try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? [])
        .filter { $0.hasSuffix(".yaml") && !$0.hasSuffix(overlayEnding) }
        .map { String($0.dropLast(5)) }
        .sorted()

    /// The variables that the mistakes refer to.
    private static let environment = [
        "HOME": "/home/ada", "API_KEY": "s3cr3t", "ENDPOINT": "${env:HOST}:4318", "EMPTY": "", "PORT": "4318x",
    ]
    private static let unreadable = [
        "/run/secrets": "it is a folder", "/etc/shadow": "permission denied",
        "/var/log/huge.log": "it is larger than 1 MiB",
    ]

    @Test func `the files were found`() {
        #expect(Self.names.count >= 60)
    }

    @Test(arguments: names)
    func `a mistake is explained`(name: String) throws {
        let answer = try Self.answer(to: name)
        let golden = Self.folder.appending(path: name + ".txt")
        if ProcessInfo.processInfo.environment["RECORD"] == "1" {
            try answer.write(to: golden, atomically: true, encoding: .utf8)
        }
        #expect(answer == (try String(contentsOf: golden, encoding: .utf8)))
        #expect(!answer.isEmpty)
        #expect(!answer.contains("s3cr3t"))
    }

    private static func answer(to name: String) throws -> String {
        var files = ["config.yaml": [UInt8](try Data(contentsOf: folder.appending(path: name + ".yaml")))]
        let overlay = folder.appending(path: name + overlayEnding)
        if let bytes = try? Data(contentsOf: overlay) { files["overlay.yaml"] = [UInt8](bytes) }
        let set = (try? String(contentsOf: folder.appending(path: name + ".set"), encoding: .utf8)) ?? ""
        let source = ConfigSource(
            paths: files.keys.sorted(),
            overrides: set.split(separator: "\n").map(String.init),
            builtIn: ""
        )
        return LoadedConfig(source, on: machine(files)).diagnostics.rendered()
    }

    private static func machine(_ files: [String: [UInt8]]) -> Environment {
        Environment(
            variables: environment,
            readFile: { path in
                if let reason = unreadable[path] { throw Unreadable(description: reason) }
                if path == "/bin/true" { return [0x7F, 0x45, 0x4C, 0x46, 0xFF] }
                guard let bytes = files[path] else { throw NoSuchFile() }
                return bytes
            },
            fileExists: { files[$0] != nil }
        )
    }

    private struct Unreadable: Error, CustomStringConvertible {
        let description: String
    }
}
