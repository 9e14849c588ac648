// SPDX-License-Identifier: Apache-2.0

/// A place that takes batches: a pipeline, or the exporter at its end.
public protocol Consumer: Sendable {
    /// Takes a batch; returning means that every durable place behind it holds the batch on disk.
    ///
    /// May be called from many tasks at once.
    /// - Throws: ``ConsumeError``; nothing of the batch counts as taken then, and the same batch may come again.
    func consume(_ batch: Batch) async throws(ConsumeError)
    /// The stores behind it, each by a number that it got when it was made: one that was deleted comes back under another.
    ///
    /// Who remembers what was handed on compares them, and hands it on again when another store has come. Empty where nothing is kept.
    var stores: Set<UInt64> { get async }
}

extension [any Consumer] {
    /// The stores behind all of them.
    public var stores: Set<UInt64> {
        get async {
            var stores: Set<UInt64> = []
            for consumer in self { stores.formUnion(await consumer.stores) }
            return stores
        }
    }
}

/// Why a batch was not taken: for good, or for now.
public struct ConsumeError: Error, Sendable, Equatable, CustomStringConvertible {
    /// Whether the sender should try again.
    public let isRetryable: Bool
    /// When to try again, in seconds, for ``isRetryable`` errors.
    public let retryAfter: Int
    /// Whether a part of the batch might be taken where all of it is not; false for ``isRetryable`` errors.
    public let isTooLarge: Bool
    /// What is wrong and what to do about it; free of secrets and of record content.
    public let message: String

    /// The batch will never be taken.
    public static func permanent(_ message: String) -> ConsumeError {
        ConsumeError(isRetryable: false, retryAfter: 0, isTooLarge: false, message: message)
    }

    /// The batch will never be taken as a whole, because of what it needs at once.
    public static func tooLarge(_ message: String) -> ConsumeError {
        ConsumeError(isRetryable: false, retryAfter: 0, isTooLarge: true, message: message)
    }

    /// The batch may be taken later.
    public static func retryable(_ message: String, after seconds: Int = 1) -> ConsumeError {
        ConsumeError(isRetryable: true, retryAfter: max(1, seconds), isTooLarge: false, message: message)
    }

    /// The message.
    public var description: String { message }
}
