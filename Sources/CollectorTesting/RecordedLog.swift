// SPDX-License-Identifier: Apache-2.0

public import Logging
import Synchronization

/// Records the log of a component as text, for tests.
///
/// Safe to use from any thread.
public final class RecordedLog: Sendable {
    private let text = Mutex<[String]>([])
    private let level: Logger.Level

    /// Creates an empty log.
    ///
    /// - Parameter level: The lowest level that is recorded.
    public init(from level: Logger.Level = .info) { self.level = level }

    /// All messages of the level or above with their metadata, the oldest first.
    public var lines: [String] { text.withLock { $0 } }

    /// A logger that writes here.
    public var logger: Logger {
        var logger = Logger(label: "test") { _ in RecordingHandler { line in self.text.withLock { $0.append(line) } } }
        logger.logLevel = level
        return logger
    }
}

private struct RecordingHandler: LogHandler {
    let write: @Sendable (String) -> Void
    var metadata: Logger.Metadata = [:]
    var logLevel = Logger.Level.info

    init(write: @escaping @Sendable (String) -> Void) { self.write = write }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) { write("\(event.message) \(event.metadata ?? [:])") }
}
