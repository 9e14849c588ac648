// SPDX-License-Identifier: Apache-2.0

public import CollectorKit

extension OTLPHTTPConfig {
    /// Where batches wait.
    public struct SendingQueue: ConfigSection {
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
    }

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
