// SPDX-License-Identifier: Apache-2.0

public import CollectorKit

/// The configuration of an exporter with a sending queue, so that all such exporters have the same keys.
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
    /// The retries; the key is `retry_on_failure`.
    var retryOnFailure: RetryConfig { get }
    /// The queue of waiting batches; the key is `sending_queue`.
    var sendingQueue: SendingQueueConfig { get }
    /// The batches that the destination refused for good; the key is `dead_letters`.
    var deadLetters: DeadLettersConfig { get }
}

extension QueuedExporterConfig {
    /// The configured folder of the queue; nil for a queue in memory or without one.
    public var sendingQueueFolder: String? {
        guard sendingQueue.enabled else { return nil }
        return sendingQueue.directory.isEmpty ? "" : sendingQueue.directory.path
    }
}

/// The retries when the destination cannot accept a batch now.
public struct RetryConfig: ConfigSection {
    /// Whether a failed batch is sent again.
    public var enabled = true
    /// The delay before the second attempt.
    public var initialInterval = ConfigDuration(seconds: 5)
    /// The largest random change of a delay, as a fraction of it.
    public var randomizationFactor = 0.5
    /// The factor by which each delay grows.
    public var multiplier = 1.5
    /// The longest delay.
    public var maxInterval = ConfigDuration(seconds: 30)
    /// After this time a batch is given up; 0 for never.
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

/// The storage of refused batches.
public struct DeadLettersConfig: ConfigSection {
    /// The total size that is kept.
    public var maxSize = ConfigByteSize(mebibytes: 256)

    /// The defaults.
    public init() {}

    enum CodingKeys: String, CodingKey {
        case maxSize = "max_size"
    }
}

/// The queue of waiting batches.
public struct SendingQueueConfig: ConfigSection {
    /// Whether there is a queue; without one a sender waits for the destination's own answer.
    public var enabled = true
    /// How many requests of each signal are in flight at once.
    public var numConsumers = 10
    /// The largest size of the queue.
    public var queueSize = Amount(bytes: 1 << 30)
    /// The unit of a queue size without a unit.
    public var sizer = Sizer.auto
    /// Whether a sender waits for room before it is refused.
    public var blockOnOverflow = false
    /// What happens when the queue is full.
    public var overflow = Overflow.block
    /// The storage: `file` or `memory`.
    public var storage = "file"
    /// The folder of the files.
    public var directory: ConfigPath = ""
    /// How batches are joined into requests.
    public var batch = Batching()

    /// The defaults.
    public init() {}

    enum CodingKeys: String, CodingKey {
        case enabled, sizer, overflow, storage, directory, batch
        case numConsumers = "num_consumers"
        case queueSize = "queue_size"
        case blockOnOverflow = "block_on_overflow"
    }

    /// The folder of all files of the queue.
    ///
    /// - Parameters:
    ///   - id: The exporter's id.
    ///   - home: The folder under which the program keeps its files.
    public func folder(of id: ComponentID, home: String) -> String { QueueFolders(self, id: id, home: home).root }

    /// Whether the queue is kept in files; the id of a storage extension of the OpenTelemetry Collector means the same.
    var isInFiles: Bool { storage != "memory" }

    /// The unit of a size that is written without one.
    public enum Sizer: String, Codable, Sendable, CaseIterable {
        /// Bytes where a unit is written, requests where none is.
        case auto
        /// Requests as they were received.
        case requests
        /// Records.
        case items
        /// Bytes.
        case bytes
    }

    /// What happens when the queue is full.
    public enum Overflow: String, Codable, Sendable, CaseIterable {
        /// Senders are asked to try again later.
        case block
        /// The oldest batches are dropped.
        case dropOldest = "drop_oldest"
    }

    /// How batches are joined into requests.
    public struct Batching: ConfigSection {
        /// How long a batch waits for others.
        public var flushTimeout = ConfigDuration(nanoseconds: 200_000_000)
        /// From this size on a request is sent at once.
        public var minSize = Amount(count: 8_192)
        /// The largest size of a request; 0 for the limit of all requests.
        public var maxSize = Amount(count: 0)
        /// The unit of sizes without a unit.
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
        /// Whether it is a size in bytes.
        public var hasUnit: Bool

        /// Creates a size.
        public init(bytes: Int) { (number, hasUnit) = (bytes, true) }

        /// Creates a count.
        public init(count: Int) { (number, hasUnit) = (count, false) }

        /// The description of the value in help texts.
        public static let valueType = ValueType.custom("count, or size such as 1GiB")

        /// Decodes a count or a size; throws `ConfigValueError` for any other value.
        public init(from decoder: any Decoder) throws {
            let text = try decoder.singleValueContainer().decode(String.self)
            if let count = Int(text), count >= 0 {
                self.init(count: count)
            } else {
                self.init(bytes: Int(clamping: try ConfigByteSize(parsing: text).bytes))
            }
        }

        /// Encodes the value in the form that is decoded.
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

/// Advice about keys of the OpenTelemetry Collector that are not supported.
extension SendingQueueConfig: AbsentKeyAdvising {
    /// The advice for each such key.
    public static let absentKeys = [
        "wait_for_result": "remove it; enabled: false lets senders wait for the destination's answer"
    ]
}

/// Advice about keys of the OpenTelemetry Collector that are not supported.
extension SendingQueueConfig.Batching: AbsentKeyAdvising {
    /// The advice for each such key.
    public static let absentKeys = ["partition": "remove it: requests are not divided by metadata"]
}

// MARK: - Validation

extension QueuedExporterConfig {
    /// Reports invalid values of the three sections.
    public func validate(_ findings: inout ConfigFindings) { validateSending(&findings) }

    /// Reports delays and sizes that contradict each other; for a configuration with a `validate` of its own.
    public func validateSending(_ findings: inout ConfigFindings) {
        validateRetry(&findings)
        validateQueue(&findings)
        validateBatching(&findings)
    }

    /// The folder of the queue, when it is configured.
    public var resources: [ConfigResource] { queueResources }

    /// The folder of the queue, when it is configured.
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
