// SPDX-License-Identifier: Apache-2.0

/// The form of a metric's data points.
public enum MetricKind: UInt8, Sendable, Hashable {
    case none, gauge, sum, histogram, exponentialHistogram, summary
}

/// Whether a point reports the change since the last one or the total so far.
public enum Temporality: UInt8, Sendable, Hashable {
    case unspecified, delta, cumulative
}

/// One metric of a batch; its data points are records.
public struct MetricEntry: Sendable, Hashable {
    /// The metric's name.
    public var name: Slice
    /// Its unit in UCUM, such as `{token}` or `USD`.
    public var unit: Slice
    /// Its description.
    public var description: Slice
    /// The form of its points.
    public var kind: MetricKind
    /// Whether a point of a sum or histogram is a change or a total.
    public var temporality: Temporality
    /// Whether a sum never decreases.
    public var isMonotonic: Bool
    var scopeIndex: UInt32
    var pointStart: UInt32
    var pointEnd: UInt32

    /// The scope it belongs to, as an index of ``OTLPBatch/scopes``.
    public var scope: Int { Int(scopeIndex) }
    /// Its data points as indices of ``OTLPBatch/records``.
    public var points: Range<Int> { Int(pointStart)..<Int(pointEnd) }
}

/// Count and sum of a histogram or summary point.
public struct Distribution: Sendable, Hashable {
    /// The number of recorded values.
    public var count: UInt64
    /// Their sum; `nil` when the sender does not report it.
    public var sum: Double?
}
