// SPDX-License-Identifier: Apache-2.0

public import CollectorKit
public import Files
public import Logging
public import OTLP
import Usage

/// The queue and the dead letters of an exporter as a command sees them, with or without a running collector.
///
/// Reading changes nothing; ``replay(logger:)`` needs the lock that a running collector holds.
public struct ForwardingQueue: Sendable {
    private let folders: QueueFolders
    private let storage: any QueueStorage
    /// The exporter's id.
    public let id: String

    /// Finds the queue of a configured exporter.
    ///
    /// - Throws: ``StartError`` when the exporter has no queue on the disk.
    public init(
        id: String,
        config: SendingQueueConfig,
        home: String,
        storage: any QueueStorage = DiskStorage()
    ) throws(StartError) {
        guard let component = ComponentID(id), config.enabled else {
            throw StartError(.configuration, "\(id) has no sending queue")
        }
        self.id = id
        self.storage = storage
        folders = QueueFolders(config, id: component, home: home)
    }

    /// The queue of an exporter whose configuration names this folder (``ConfigValues/sendingQueueFolder``).
    public init(id: ComponentID, folder: String, home: String, storage: any QueueStorage = DiskStorage()) {
        self.id = id.description
        self.storage = storage
        folders = QueueFolders(folder, id: id, home: home)
    }

    /// The folder with all files of the queue.
    public var folder: String { folders.root }

    /// The waiting batches of a signal.
    public func survey(_ signal: Signal) throws(FileError) -> QueueSurvey {
        try QueueSurvey(folder: folders.queue(signal), storage: storage)
    }

    /// The size and the ages of the dead letters.
    public func surveyDeadLetters() throws(FileError) -> QueueSurvey {
        try QueueSurvey(folder: folders.deadLetters, storage: storage)
    }

    /// A dead letter with its number, from 1 for the oldest.
    public struct Numbered: Sendable {
        /// The number.
        public var number: Int
        /// The dead letter.
        public var letter: DeadLetter
    }

    /// All dead letters, the oldest first.
    public func deadLetters() throws(FileError) -> [Numbered] {
        var letters: [Numbered] = []
        try QueueSurvey.entries(folder: folders.deadLetters, storage: storage) { entry in
            if let letter = DeadLetter(entry) { letters.append(Numbered(number: letters.count + 1, letter: letter)) }
            return true
        }
        return letters
    }

    /// The batch with this number in a signal's queue, from 1 for the oldest; nil when there is none.
    public func batch(_ number: Int, of signal: Signal) throws(FileError) -> QueueEntry? {
        var (position, found) = (0, QueueEntry?.none)
        try QueueSurvey.entries(folder: folders.queue(signal), storage: storage) { entry in
            position += 1
            if position == number { found = entry }
            return found == nil
        }
        return found
    }

    /// Moves all dead letters back to the queue; the next start of the collector sends them.
    ///
    /// A letter is written to the queue before it is removed from the dead letters: a crash in between duplicates it and loses nothing.
    /// - Returns: The size of what was moved.
    /// - Throws: ``FileError``; its ``FileError/isLocked`` is true when a running collector holds the queue.
    public func replay(logger: Logger) throws(FileError) -> QueueSize {
        guard try !storage.names(in: folders.deadLetters).isEmpty else { return QueueSize() }
        let lock = try storage.lock(folders.lock)
        defer { withExtendedLifetime(lock) {} }
        let dead = SegmentLog(folder: folders.deadLetters, storage: storage, logger: logger)
        try dead.open()
        defer { dead.close() }
        var queues: [Signal: SegmentLog] = [:]
        defer { for queue in queues.values { queue.close() } }
        var total = QueueSize()
        while let range = try dead.take(SegmentLog.BatchLimit(bytes: 1)) {
            for entry in range.entries {
                guard let letter = DeadLetter(entry) else { continue }
                let queue: SegmentLog
                if let open = queues[letter.signal] {
                    queue = open
                } else {
                    queue = SegmentLog(folder: folders.queue(letter.signal), storage: storage, logger: logger)
                    try queue.open()
                    queues[letter.signal] = queue
                }
                let back = QueueEntry(
                    signal: letter.signal,
                    records: letter.records,
                    time: letter.time,
                    bytes: letter.request
                )
                try queue.append([back])
                total += QueueSize(back)
            }
            dead.acknowledge(range.place)
        }
        return total
    }
}
