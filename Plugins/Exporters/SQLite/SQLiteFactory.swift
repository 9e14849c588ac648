// SPDX-License-Identifier: Apache-2.0

public import CollectorKit

/// Makes the store that keeps everything in one SQLite file.
public struct SQLiteFactory: ExporterFactory {
    /// What a user writes.
    public typealias Config = SQLiteConfig

    /// Creates the factory.
    public init() {}

    /// The type in a configuration.
    public let type = "sqlite"
    /// What it is for.
    public let summary = "keeps calls, sessions and records in a SQLite file and answers queries"
    /// It answers queries.
    public let isStore = true

    /// Makes a store; the file is opened at the start.
    public func makeExporter(_ config: SQLiteConfig, _ settings: ComponentSettings) -> any Exporter {
        SQLiteExporter(config, settings)
    }
}
