// SPDX-License-Identifier: Apache-2.0

/// A target for batches; for a receiver it is a pipeline.
public protocol Consumer: Sendable {
    /// Takes a batch; a return means that every durable exporter after it has the batch on the disk.
    ///
    /// May be called from many tasks at once.
    /// - Throws: ``ConsumeError``; then nothing of the batch counts as taken, and the same batch may come again.
    @discardableResult func consume(_ batch: Batch) async throws(ConsumeError) -> Delivery
}

/// Why a batch was not taken, permanently or for now.
public struct ConsumeError: Error, Sendable, Equatable, CustomStringConvertible {
    /// Whether the sender should try again.
    public let isRetryable: Bool
    /// When to try again, in seconds, for ``isRetryable`` errors.
    public let retryAfter: Int
    /// Whether a smaller part of the batch might be taken; false for ``isRetryable`` errors.
    public let isTooLarge: Bool
    /// What is wrong and what to do about it; free of secrets and of record content.
    public let message: String

    /// The batch will never be taken.
    public static func permanent(_ message: String) -> ConsumeError {
        ConsumeError(isRetryable: false, retryAfter: 0, isTooLarge: false, message: message)
    }

    /// The batch will never be taken as a whole, because of the memory that it needs at once.
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
