// SPDX-License-Identifier: Apache-2.0

public import CollectorKit

/// The part of a configuration that an exporter with a sending queue has, so that its keys are those of every other.
///
/// ```swift
/// struct AlertsConfig: QueuedExporterConfig {
///     var url = ""
///     var retryOnFailure = RetryConfig()
///     var sendingQueue = SendingQueueConfig()
///     var deadLetters = DeadLettersConfig()
///
///     enum CodingKeys: String, CodingKey {
///         case url
///         case retryOnFailure = "retry_on_failure"
///         case sendingQueue = "sending_queue"
///         case deadLetters = "dead_letters"
///     }
///
///     static let documentation = ["url": "where alerts go"].merging(sendingDocumentation) { own, _ in own }
/// }
/// ```
public protocol QueuedExporterConfig: ComponentConfig {
    /// What happens when the destination cannot take a batch now; the key is `retry_on_failure`.
    var retryOnFailure: RetryConfig { get }
    /// Where batches wait; the key is `sending_queue`.
    var sendingQueue: SendingQueueConfig { get }
    /// Where batches go that the destination refuses for good; the key is `dead_letters`.
    var deadLetters: DeadLettersConfig { get }
}

extension QueuedExporterConfig {
    /// The folder of the queue, where there is one.
    public var sendingQueueFolder: String? {
        guard sendingQueue.enabled else { return nil }
        return sendingQueue.directory.isEmpty ? "" : sendingQueue.directory.path
    }
}

/// What happens when the destination cannot take a batch now.
public struct RetryConfig: ConfigSection {
    /// Whether there is another attempt at all.
    public var enabled = true
    /// The wait before the second attempt.
    public var initialInterval = ConfigDuration(seconds: 5)
    /// By which part of itself a wait is shorter or longer by chance.
    public var randomizationFactor = 0.5
    /// How much longer each wait is than the one before.
    public var multiplier = 1.5
    /// The longest wait.
    public var maxInterval = ConfigDuration(seconds: 30)
    /// After how long a batch is given up; 0 for never.
    public var maxElapsedTime = ConfigDuration(seconds: 0)

    /// The defaults.
    public init() {}

    enum CodingKeys: String, CodingKey {
        case enabled, multiplier
        case initialInterval = "initial_interval"
        case randomizationFactor = "randomization_factor"
        case maxInterval = "max_interval"
        case maxElapsedTime = "max_elapsed_time"
    }
}

/// Where refused batches go.
public struct DeadLettersConfig: ConfigSection {
    /// How many bytes of them are kept.
    public var maxSize = ConfigByteSize(mebibytes: 256)

    /// The defaults.
    public init() {}

    enum CodingKeys: String, CodingKey {
        case maxSize = "max_size"
    }
}

/// Where batches wait.
public struct SendingQueueConfig: ConfigSection {
    /// Whether there is a queue; without one a sender waits for the destination's own answer.
    public var enabled = true
    /// How many requests are under way at once, of each signal.
    public var numConsumers = 10
    /// How much may wait.
    public var queueSize = Amount(bytes: 1 << 30)
    /// What a queue size without a unit counts.
    public var sizer = Sizer.auto
    /// Whether a sender waits for room before it is refused.
    public var blockOnOverflow = false
    /// What happens when there is no room.
    public var overflow = Overflow.block
    /// Where the queue is kept: `file` or `memory`.
    public var storage = "file"
    /// The folder of the files.
    public var directory: ConfigPath = ""
    /// How batches become requests.
    public var batch = Batching()

    /// The defaults.
    public init() {}

    enum CodingKeys: String, CodingKey {
        case enabled, sizer, overflow, storage, directory, batch
        case numConsumers = "num_consumers"
        case queueSize = "queue_size"
        case blockOnOverflow = "block_on_overflow"
    }

    /// Whether the queue is kept in files; the id of a storage extension of the OpenTelemetry Collector means the same.
    var isInFiles: Bool { storage != "memory" }

    /// What is counted where no unit is written.
    public enum Sizer: String, Codable, Sendable, CaseIterable {
        /// Bytes where a unit is written, requests where none is.
        case auto
        /// Requests as they come in.
        case requests
        /// Records.
        case items
        /// Bytes.
        case bytes
    }

    /// What happens when there is no room.
    public enum Overflow: String, Codable, Sendable, CaseIterable {
        /// Senders are told to try again later.
        case block
        /// The oldest batches are given up.
        case dropOldest = "drop_oldest"
    }

    /// How batches become requests.
    public struct Batching: ConfigSection {
        /// How long a batch waits for others.
        public var flushTimeout = ConfigDuration(nanoseconds: 200_000_000)
        /// From how much on a request goes at once.
        public var minSize = Amount(count: 8_192)
        /// How much a request has at most; 0 for no limit but the one of every request.
        public var maxSize = Amount(count: 0)
        /// What sizes without a unit count.
        public var sizer = Sizer.items

        /// The defaults.
        public init() {}

        enum CodingKeys: String, CodingKey {
            case sizer
            case flushTimeout = "flush_timeout"
            case minSize = "min_size"
            case maxSize = "max_size"
        }
    }

    /// A count, or a size with its unit.
    public struct Amount: ConfigScalar, Hashable {
        /// The number; of bytes when ``hasUnit``.
        public var number: Int
        /// Whether it is a size.
        public var hasUnit: Bool

        /// Creates a size.
        public init(bytes: Int) { (number, hasUnit) = (bytes, true) }

        /// Creates a count.
        public init(count: Int) { (number, hasUnit) = (count, false) }

        /// What the value is for.
        public static let valueType = ValueType.custom("count, or size such as 1GiB")

        /// Reads a count or a size; throws `ConfigValueError` for what is neither.
        public init(from decoder: any Decoder) throws {
            let text = try decoder.singleValueContainer().decode(String.self)
            if let count = Int(text), count >= 0 {
                self.init(count: count)
            } else {
                self.init(bytes: Int(clamping: try ConfigByteSize(parsing: text).bytes))
            }
        }

        /// Writes it as it is read.
        public func encode(to encoder: any Encoder) throws {
            if hasUnit { return try ConfigByteSize(bytes: Int64(number)).encode(to: encoder) }
            var container = encoder.singleValueContainer()
            try container.encode(String(number))
        }
    }
}

// MARK: - Documentation

extension QueuedExporterConfig {
    /// What each key of the three sections means.
    public static var sendingDocumentation: [String: String] { sendingKeys }
}

private let sendingKeys = [
    "retry_on_failure": "what happens when the destination cannot take a batch now",
    "retry_on_failure.enabled": "false: a batch that is not taken at once goes to the dead letters",
    "retry_on_failure.initial_interval": "the wait before the second attempt",
    "retry_on_failure.randomization_factor": "by which part of itself a wait is shorter or longer by chance",
    "retry_on_failure.multiplier": "how much longer each wait is than the one before",
    "retry_on_failure.max_interval": "the longest wait, unless the destination asks for a longer one",
    "retry_on_failure.max_elapsed_time": "after how long a batch goes to the dead letters; 0s: never",
    "sending_queue": "where batches wait",
    "sending_queue.enabled": "false: senders wait for the destination's own answer",
    "sending_queue.num_consumers": "requests under way at once, of each signal",
    "sending_queue.queue_size":
        "how much may wait, of each signal: a size such as 1GiB, or a count of what sizer says",
    "sending_queue.sizer": "what a queue_size without a unit counts: requests, items or bytes; auto: requests",
    "sending_queue.block_on_overflow":
        "true: senders wait up to ten seconds for room before they are told to try again",
    "sending_queue.overflow":
        "block: senders get 503 and try again; drop_oldest: the oldest batches are given up and counted as dropped",
    "sending_queue.storage": "file: survives whatever happens; memory: is lost with the process",
    "sending_queue.directory": "the folder of the queue; empty: $HAMMURABI_HOME/queue/ID",
    "sending_queue.batch": "how batches become requests",
    "sending_queue.batch.flush_timeout": "how long a batch waits for others",
    "sending_queue.batch.min_size": "from how much on a request goes at once",
    "sending_queue.batch.max_size": "how much a request has at most; 0: 1 MiB, unless one batch has more",
    "sending_queue.batch.sizer": "what sizes without a unit count: items or bytes",
    "dead_letters": "where batches go that the destination refuses for good; see `hammurabi queue`",
    "dead_letters.max_size": "how many bytes of them are kept, the newest; 0: none",
]

/// The advice for a key of the OpenTelemetry Collector that is not offered.
extension SendingQueueConfig: AbsentKeyAdvising {
    /// The help for each key that is not there.
    public static let absentKeys = [
        "wait_for_result": "remove it; enabled: false lets senders wait for the destination's answer"
    ]
}

/// The advice for a key of the OpenTelemetry Collector that is not offered.
extension SendingQueueConfig.Batching: AbsentKeyAdvising {
    /// The help for each key that is not there.
    public static let absentKeys = ["partition": "remove it: requests are not divided by metadata"]
}

// MARK: - Validation

extension QueuedExporterConfig {
    /// Refuses what is wrong with values of the three sections.
    public func validate(_ findings: inout ConfigFindings) { validateSending(&findings) }

    /// Refuses waits that cannot be kept and sizes that contradict each other; for a configuration with a `validate` of its own.
    public func validateSending(_ findings: inout ConfigFindings) {
        validateRetry(&findings)
        validateQueue(&findings)
        validateBatching(&findings)
    }

    /// The folder of the queue, when it is named.
    public var resources: [ConfigResource] { queueResources }

    /// The folder of the queue, where one is named.
    public var queueResources: [ConfigResource] {
        guard !sendingQueue.directory.isEmpty, sendingQueue.isInFiles else { return [] }
        return [ConfigResource(.file(sendingQueue.directory.path), at: ["sending_queue", "directory"])]
    }

    private func validateRetry(_ findings: inout ConfigFindings) {
        let retry = retryOnFailure
        func error(_ key: String, _ message: String, help: String? = nil) {
            findings.error("out-of-range", message, at: ["retry_on_failure", key], help: help)
        }
        if retry.initialInterval.nanoseconds <= 0 {
            error("initial_interval", "there must be a wait", help: "write 5s")
        }
        if retry.maxInterval.nanoseconds < retry.initialInterval.nanoseconds {
            error("max_interval", "'max_interval' must not be less than 'initial_interval'")
        }
        if !(0...1).contains(retry.randomizationFactor) {
            error("randomization_factor", "'randomization_factor' must be within [0, 1]", help: "write 0.5")
        }
        if !(1...100).contains(retry.multiplier) {
            error("multiplier", "waits do not become shorter", help: "write 1.5")
        }
        let elapsed = retry.maxElapsedTime.nanoseconds
        if elapsed != 0, elapsed < max(retry.initialInterval.nanoseconds, retry.maxInterval.nanoseconds) {
            error("max_elapsed_time", "'max_elapsed_time' must not be less than 'initial_interval' or 'max_interval'")
        }
    }

    private func validateQueue(_ findings: inout ConfigFindings) {
        let queue = sendingQueue
        func error(_ key: String, _ message: String, help: String? = nil) {
            findings.error("sending-queue", message, at: ["sending_queue", key], help: help)
        }
        if !(1...1_000).contains(queue.numConsumers) { error("num_consumers", "there are 1 to 1000 consumers") }
        if queue.queueSize.number <= 0 { error("queue_size", "'queue_size' must be positive", help: "write 1GiB") }
        if queue.queueSize.hasUnit, [.requests, .items].contains(queue.sizer) {
            error(
                "queue_size",
                "a size in bytes does not count \(queue.sizer)",
                help: "write sizer: bytes, or a number"
            )
        }
        let storages = ["file", "memory"]
        if !storages.contains(queue.storage), !queue.storage.hasPrefix("file_storage") {
            error("storage", "a queue is kept in file or in memory", help: "write file")
        }
        if queue.enabled, queue.storage == "memory" {
            findings.warning(
                "weak-durability",
                "what waits is lost when the process ends, although it was acknowledged",
                at: ["sending_queue", "storage"],
                help: "write storage: file"
            )
        }
    }

    private func validateBatching(_ findings: inout ConfigFindings) {
        let batch = sendingQueue.batch
        func error(_ key: String, _ message: String, help: String? = nil) {
            findings.error("batch", message, at: ["sending_queue", "batch", key], help: help)
        }
        if ![.items, .bytes].contains(batch.sizer) {
            error("sizer", "requests are measured in items or bytes", help: "write items")
        }
        let isSameUnit = batch.maxSize.hasUnit == batch.minSize.hasUnit
        if batch.maxSize.number != 0, isSameUnit, batch.maxSize.number < batch.minSize.number,
            batch.minSize != SendingQueueConfig.Batching().minSize
        {
            error("max_size", "'max_size' must be greater than or equal to 'min_size'")
        }
    }
}
