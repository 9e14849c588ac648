// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import Files
import Foundation

/// What a user writes under `ledger_csv:`.
struct LedgerCSVConfig: ComponentConfig {
    var path: ConfigPath = "ledger.csv"
    static let documentation = ["path": "the file that gets a line for each report of a model call"]
}

extension ComponentFactory {
    /// Writes a line for each report of a model call: time, model, input and output tokens.
    static let ledgerCSV = exporter(
        "ledger_csv",
        LedgerCSVConfig.self,
        summary: "writes a line of CSV for each report of a model call"
    ) { config, settings in
        SimpleExporter(settings) {
            let file = FileHandle(fileDescriptor: try OwnFile.open(config.path.path, .appending), closeOnDealloc: true)
            return { batch in
                let lines = batch.observations.map {
                    "\($0.time.iso8601),\($0.model ?? ""),\($0.counts.prompt),\($0.counts.output)\n"
                }
                try file.write(contentsOf: Data(lines.joined().utf8))
                try file.synchronize()
            }
        }
    }
}
