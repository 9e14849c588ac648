// SPDX-License-Identifier: Apache-2.0

import Collector
import CollectorTesting
import FoundationEssentials
import Testing
import YAML

struct ConfigSourceTests {
    private static let home = ["HOME": "/home/ada"]

    @Test(arguments: [
        (["config.yaml", "/home/ada/.hammurabi/config.yaml"], home, ["config.yaml"]),
        (["/home/ada/.hammurabi/config.yaml"], home, ["/home/ada/.hammurabi/config.yaml"]),
        (["/data/config.yaml"], ["HOME": "/home/ada", "HAMMURABI_HOME": "/data"], ["/data/config.yaml"]),
        (["/home/ada/.hammurabi/config.yaml"], ["HOME": "/home/ada", "HAMMURABI_HOME": "/data"], []),
        (
            ["/home/ada/.hammurabi/config.yaml"], ["HOME": "/home/ada", "HAMMURABI_HOME": ""],
            ["/home/ada/.hammurabi/config.yaml"]
        ),
        ([], home, []),
    ])
    func `the usual places are looked at in order`(files: [String], environment: [String: String], expected: [String]) {
        let machine = Environment.machine(Dictionary(uniqueKeysWithValues: files.map { ($0, "") }), environment)
        #expect(ConfigSource(builtIn: "").files(in: machine) == expected)
    }

    @Test func `named files replace the usual places`() {
        let machine = Environment.machine(["config.yaml": ""])
        #expect(ConfigSource(paths: ["b.yaml", "a.yaml"], builtIn: "").files(in: machine) == ["b.yaml", "a.yaml"])
    }

    @Test func `without a file the built-in text counts and its mistakes have its name`() {
        let loaded = LoadedConfig(ConfigSource(builtIn: "reciever:\n"), on: .machine())
        #expect(loaded.diagnostics.items.first?.mark?.file == "built-in config")
    }

    @Test func `later files lie over earlier ones and single values over all`() throws {
        let machine = Environment.machine([
            "base.yaml": "exporters: { sqlite: { path: /a.db, records: all } }\nservice: { extensions: [hub] }\n",
            "site.yaml": "exporters: { sqlite: { path: /b.db } }\nservice: { extensions: [] }\n",
        ])
        let source = ConfigSource(
            paths: ["base.yaml", "site.yaml"],
            overrides: ["exporters.sqlite.records=usage", "extensions.hub.timezone=Europe/Berlin"],
            builtIn: ""
        )
        var diagnostics = Diagnostics()
        let root = try #require(source.load(machine, diagnostics: &diagnostics))
        #expect(diagnostics.rendered() == "")
        let sqlite = root.mapping?["exporters"]?.mapping?["sqlite"]?.mapping
        #expect(sqlite?["path"]?.scalar?.text == "/b.db")
        #expect(sqlite?["records"]?.scalar?.text == "usage")
        #expect(root.mapping?["service"]?.mapping?["extensions"]?.sequence?.elements.isEmpty == true)
        #expect(root.mapping?["extensions"]?.mapping?["hub"]?.mapping?["timezone"]?.scalar?.text == "Europe/Berlin")
    }

    @Test func `files, variables and texts are named as for the OpenTelemetry Collector`() throws {
        let machine = Environment.machine(
            ["base.yaml": "exporters: { sqlite: { path: /a.db } }\n"],
            ["EXTRA": "exporters: { sqlite: { records: all } }"]
        )
        let source = ConfigSource(
            paths: [
                "file:base.yaml", "env:EXTRA", "yaml:exporters::sqlite::path: /b.db",
                "yaml:{service: {extensions: []}}",
            ],
            builtIn: ""
        )
        var diagnostics = Diagnostics()
        let root = try #require(source.load(machine, diagnostics: &diagnostics))
        #expect(diagnostics.rendered() == "")
        let sqlite = root.mapping?["exporters"]?.mapping?["sqlite"]?.mapping
        #expect(sqlite?["path"]?.scalar?.text == "/b.db")
        #expect(sqlite?["records"]?.scalar?.text == "all")
        #expect(root.mapping?["service"]?.mapping?["extensions"]?.sequence?.elements.isEmpty == true)
    }

    @Test func `every file that cannot be read is named`() {
        let machine = Environment.machine(["there.yaml": ""])
        let loaded = LoadedConfig(ConfigSource(paths: ["a.yaml", "there.yaml", "b.yaml"], builtIn: ""), on: machine)
        #expect(loaded.root == nil)
        #expect(
            loaded.diagnostics.rendered() == """
                error[unreadable-file]: a.yaml: there is no such file
                   help: name a file that exists and may be read with --config
                error[unreadable-file]: b.yaml: there is no such file
                   help: name a file that exists and may be read with --config
                2 errors

                """
        )
    }

    @Test func `a variable that is not set is no empty configuration`() {
        let machine = Environment.machine([:], ["HOME": "/home/ada", "COLLECTOR": "a: 1"])
        let loaded = LoadedConfig(ConfigSource(paths: ["env:COLECTOR"], builtIn: ""), on: machine)
        #expect(loaded.root == nil)
        #expect(
            loaded.diagnostics.rendered() == """
                error[unset-variable]: the environment variable COLECTOR is not set
                   help: did you mean "COLLECTOR"?
                1 error

                """
        )
    }

    @Test func `a null in a later file removes a section, and a list replaces the whole list`() throws {
        let machine = Environment.machine([
            "base.yaml":
                "processors: { tokens: , pricing: { prefer: reported } }\nservice: { extensions: [hub, other] }\n",
            "site.yaml": "processors: { pricing: }\nservice: { extensions: [hub] }\n",
            "last.yaml": "processors:\n",
        ])
        func load(_ paths: [String]) throws -> Node {
            var diagnostics = Diagnostics()
            let root = ConfigSource(paths: paths, builtIn: "").load(machine, diagnostics: &diagnostics)
            #expect(diagnostics.rendered() == "")
            return try #require(root)
        }
        let two = try load(["base.yaml", "site.yaml"])
        #expect(two["processors"]?.mapping?.entries.map(\.key.text) == ["tokens", "pricing"])
        #expect(two["processors"]?["pricing"]?.isNull == true)
        #expect(two["service"]?["extensions"]?.sequence?.elements.map(\.scalar?.text) == ["hub"])
        #expect(try load(["base.yaml", "last.yaml"])["processors"]?.isNull == true)
    }

    @Test func `references are replaced after files and single values are joined`() throws {
        let machine = Environment.machine(
            ["config.yaml": "a: ${env:LOST}\nb: ${file:~/secret}\n", "/home/ada/secret": "k3y\n"],
            ["HOME": "/home/ada", "NAME": "value"]
        )
        var diagnostics = Diagnostics()
        let source = ConfigSource(overrides: ["a=x-${env:NAME}", "c::d.e=['${UNSET:-5}', x]"], builtIn: "")
        let root = try #require(source.load(machine, diagnostics: &diagnostics))
        #expect(diagnostics.rendered() == "")
        #expect(root["c"]?["d.e"]?.sequence?.elements.map(\.scalar?.text) == ["5", "x"])
        #expect(root["a"]?.scalar?.text == "x-value")
        #expect(root["b"]?.scalar?.text == "k3y")
    }

    @Test func `a mistake on the command line is explained like one in a file`() {
        let loaded = LoadedConfig(
            ConfigSource(overrides: ["nonsense", "extensions.hub.endpoint=12"], builtIn: "extensions: { hub: }\n"),
            on: .machine()
        )
        #expect(loaded.codes == ["missing-section", "invalid-override", "endpoint"])
    }

    @Test func `a file that exists is read from the disk and what is wrong with others is said`() throws {
        let home = try TemporaryFolder()
        let folder = home.url
        let file = folder.appending(path: "config.yaml").path
        #expect(FileManager.default.createFile(atPath: file, contents: Data("a: 1\n".utf8)))
        let machine = Environment.process
        #expect(machine.fileExists(file))
        #expect(try machine.readFile(file) == Array("a: 1\n".utf8))
        #expect(reason { try machine.readFile(folder.path) } == "it is a folder")
        #expect(reason { try machine.readFile(file + "/more") } == "a part of the path is no folder")
        #expect(reason { try machine.readFile("/dev/zero") } == "it is larger than 1 MiB")
        #expect(reason { try machine.readFile(file + ".bak") } == "there is no such file")
        #expect(!machine.fileExists(file + ".bak"))
    }

    private func reason(_ body: () throws -> [UInt8]) -> String? {
        do {
            _ = try body()
            return nil
        } catch {
            return "\(error)"
        }
    }
}
