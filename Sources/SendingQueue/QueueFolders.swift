// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import OTLP

/// Where the queue of an exporter lies.
struct QueueFolders: Sendable {
    /// The folder of everything.
    let root: String

    init(_ config: SendingQueueConfig, id: ComponentID, home: String) {
        self.init(config.directory.isEmpty ? "" : config.directory.path, id: id, home: home)
    }

    /// - Parameter folder: The folder, or the empty text for the standard one of the id.
    init(_ folder: String, id: ComponentID, home: String) {
        root = folder.isEmpty ? "\(home)/queue/\(Self.fileName(id))" : folder
    }

    /// The file whose lock keeps others away.
    var lock: String { "\(root)/lock" }
    /// The folder of refused batches.
    var deadLetters: String { "\(root)/dead-letters" }

    /// The folder of a signal's queue.
    func queue(_ signal: Signal) -> String { "\(root)/\(signal)" }

    /// The id as one name: what a path would take for something else becomes `~` and its number.
    private static func fileName(_ id: ComponentID) -> String {
        "\(id)".unicodeScalars.map { scalar in
            let isPlain =
                scalar.isASCII
                && (scalar.properties.isAlphabetic || ("0"..."9").contains(scalar) || scalar == "_" || scalar == "-")
            return isPlain ? String(scalar) : "~" + String(scalar.value, radix: 16)
        }.joined()
    }
}
