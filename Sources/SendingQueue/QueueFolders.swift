// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import OTLP

/// The paths of an exporter's queue.
struct QueueFolders: Sendable {
    /// The folder with all of them.
    let root: String

    init(_ config: SendingQueueConfig, id: ComponentID, home: String) {
        self.init(config.directory.isEmpty ? "" : config.directory.path, id: id, home: home)
    }

    /// - Parameter folder: The configured folder; when it is empty, the default for the id.
    init(_ folder: String, id: ComponentID, home: String) {
        root = folder.isEmpty ? "\(home)/queue/\(Self.fileName(id))" : folder
    }

    /// The lock file, which keeps other processes out.
    var lock: String { "\(root)/lock" }
    /// The folder of dead letters.
    var deadLetters: String { "\(root)/dead-letters" }

    /// The folder of a signal's queue.
    func queue(_ signal: Signal) -> String { "\(root)/\(signal)" }

    /// The id as a file name: characters that a path would interpret become `~` and their number.
    private static func fileName(_ id: ComponentID) -> String {
        "\(id)".unicodeScalars.map { scalar in
            let isPlain =
                scalar.isASCII
                && (scalar.properties.isAlphabetic || ("0"..."9").contains(scalar) || scalar == "_" || scalar == "-")
            return isPlain ? String(scalar) : "~" + String(scalar.value, radix: 16)
        }.joined()
    }
}
