// SPDX-License-Identifier: Apache-2.0

public import Usage

/// An exporter that answers questions about what it keeps.
///
/// Every store gives the same answers after the same batches, in whatever order they came. Prompt may be asked from many
/// tasks at once and see a state between two batches, never half of one.
public protocol UsageStore: Sendable {
    /// What a period cost, and where.
    func summary(_ query: UsageQuery) async throws -> UsageSummary
    /// A page of sessions.
    func sessions(_ query: SessionQuery) async throws -> SessionPage
    /// One session with its calls, nil when it is unknown.
    func session(id: String) async throws -> SessionDetail?
    /// The counted calls that ended in a range of time, in the order of their time and then of their id; of who made them only the model
    /// and the provider are filled in.
    func calls(_ query: CallQuery) async throws -> [Call]
    /// How well the calls of a period are known.
    func quality(of period: Period) async throws -> DataQuality
    /// The names of a dimension that what is kept has, the empty name left out; names of what was removed may be among them.
    func names(of dimension: UsageDimension) async throws -> Set<String>
    /// Models of counted calls that have no price, by name.
    func unpricedModels() async throws -> [UnpricedModel]
    /// Prices every call anew and returns how many prices changed; batches may come in meanwhile.
    func reprice(by pricing: Pricing) async throws -> Int
    /// Removes what ended before an instant and returns how many records and calls that were.
    ///
    /// From then on what the compaction would have removed is not taken in (``CompactionBorder``), also after a restart.
    func compact(before instant: Timestamp) async throws -> Int
    /// A number that is another one whenever what is kept has changed; cheap enough to be asked every second.
    func revision() async throws -> Int64
}

extension UsageStore {
    /// What a period cost, and where, without conditions.
    public func summary(of period: Period, now: Timestamp) async throws -> UsageSummary {
        try await summary(UsageQuery(period, now: now))
    }
}

/// A question that could not be answered; the text says why.
public struct StoreError: Error, Sendable, CustomStringConvertible {
    /// What is wrong.
    public let description: String

    /// Creates an error.
    public init(_ description: String) {
        self.description = description
    }
}
