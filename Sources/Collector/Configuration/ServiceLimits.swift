// SPDX-License-Identifier: Apache-2.0

public import CollectorKit

/// What a user writes under `service:` about how much the collector may take up.
public struct ServiceLimits: Codable, Sendable, Hashable {
    /// How many bytes requests in flight, with all that they unfold to, and queues may take up together.
    public var memoryLimit = standardMemory

    /// The defaults.
    public init() {}

    /// What four of the largest bodies take up.
    public static let standardMemory = ConfigByteSize(mebibytes: 256)
    /// Less leaves no room for the bodies that exporters of SDKs send.
    static let smallestMemory = ConfigByteSize(mebibytes: 1)
}
