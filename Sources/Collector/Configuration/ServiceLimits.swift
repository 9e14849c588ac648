// SPDX-License-Identifier: Apache-2.0

public import CollectorKit

/// The keys under `service:` that limit what the collector uses.
public struct ServiceLimits: Codable, Sendable, Hashable {
    /// How many bytes queues and requests in flight may use together, with everything the requests decompress to.
    public var memoryLimit = standardMemory

    /// The defaults.
    public init() {}

    /// The memory that four bodies of the largest size use.
    public static let standardMemory = ConfigByteSize(mebibytes: 256)
    /// With less, the request bodies that SDKs send would not fit.
    static let smallestMemory = ConfigByteSize(mebibytes: 1)
}
