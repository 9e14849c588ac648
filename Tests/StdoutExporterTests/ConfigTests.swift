// SPDX-License-Identifier: Apache-2.0

import StdoutExporter
import Testing
import YAML

@Suite struct ConfigTests {
    @Test func `nothing means a line of text for each batch`() {
        let (config, problems) = decode("")
        #expect(problems.isEmpty)
        #expect(config.format == .text)
        #expect(config.verbosity == .basic)
    }

    @Test func `both keys are read`() {
        let (config, problems) = decode("format: json\nverbosity: detailed\n")
        #expect(problems.isEmpty)
        #expect(config.format == .json)
        #expect(config.verbosity == .detailed)
    }

    @Test func `an unknown word is an error that lists the known ones`() {
        #expect(decode("verbosity: loud\n").problems == ["\"loud\" is not one of basic, normal, detailed"])
    }

    private func decode(_ text: String) -> (config: StdoutConfig, problems: [String]) {
        var diagnostics = Diagnostics()
        let node = Node(parsing: SourceFile(name: "config.yaml", text: text), diagnostics: &diagnostics)
        let config = node.map {
            ConfigDecoder().decode(StdoutConfig.self, from: $0, over: StdoutConfig(), diagnostics: &diagnostics)
        }
        return (config ?? StdoutConfig(), diagnostics.items.map(\.message))
    }
}
