// SPDX-License-Identifier: Apache-2.0

public import CollectorKit

/// Makes the store that keeps everything as JSON lines in plain files.
public struct JSONLFactory: ExporterFactory {
    /// What a user writes.
    public typealias Config = JSONLConfig

    private let calls: StorageCalls

    /// Creates the factory.
    public init() {
        calls = .system
    }

    /// Creates a factory whose stores reach their files in another way.
    init(calls: StorageCalls) {
        self.calls = calls
    }

    /// The type in a configuration.
    public let type = "jsonl"
    /// What it is for.
    public let summary = "keeps calls, sessions and records as JSON lines and answers queries"
    /// It answers queries.
    public let isStore = true

    /// Makes a store; files are opened at the start.
    public func makeExporter(_ config: JSONLConfig, _ settings: ComponentSettings) -> any Exporter {
        JSONLExporter(config, settings, calls)
    }
}
