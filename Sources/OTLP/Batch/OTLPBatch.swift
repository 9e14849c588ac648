// SPDX-License-Identifier: Apache-2.0

/// One export request: its OTLP protobuf bytes, a flat index of what lies where, and the changes made to it.
///
/// A batch is a value that is handed on whole. Reading it never decodes more than was asked for; ``encoded()`` gives the
/// bytes with all changes applied. Fields this program does not know travel on unchanged.
public struct OTLPBatch: Sendable {
    /// What the records are.
    public let signal: Signal
    /// The request as protobuf, as received or as transcoded from JSON; at most 2 GiB.
    public let bytes: [UInt8]
    /// The resources in the order of their bytes.
    public internal(set) var resources: [ResourceEntry]
    /// The scopes in the order of their bytes.
    public internal(set) var scopes: [ScopeEntry]
    /// The spans, log records or data points in the order of their bytes, dropped ones included.
    public internal(set) var records: [RecordEntry]
    /// The attributes that other entries refer to by range; entries outside every range have no meaning.
    public let attributes: [AttributeEntry]
    /// The metrics in the order of their bytes; empty for other signals.
    public internal(set) var metrics: [MetricEntry]
    /// What was changed since.
    public var overlay: Overlay
    /// How many records were refused while indexing; they are dropped in the overlay.
    public let rejected: Int
    /// Why the first of them was refused, for the sender's partial-success message.
    public let rejectionReason: String?
    /// What was accepted although it is not as OTLP has it.
    public let notes: OTLPNotes

    let envelopes: [Envelope]
    let attributeMessages: [AttributeMessage]

    /// Indexes a protobuf request.
    ///
    /// - Throws: ``OTLPError`` if the bytes are not a well-formed request of this signal, exceed 2 GiB or pass the limits.
    public init(signal: Signal, protobuf bytes: [UInt8], limits: ReadingLimits = ReadingLimits()) throws(OTLPError) {
        self = try OTLPBatch(indexing: bytes, signal: signal, limits)
    }

    /// Transcodes an OTLP/JSON request to protobuf and indexes that.
    ///
    /// - Throws: ``OTLPError`` with the path of the offending field.
    public init(signal: Signal, json bytes: [UInt8], limits: ReadingLimits = ReadingLimits()) throws(OTLPError) {
        let request = try JSONTranscoder.transcode(bytes, signal, limits.memory)
        self = try OTLPBatch(indexing: request.protobuf, signal: signal, limits, notes: request.notes)
    }

    /// How many records are left when dropped ones are not counted.
    public var recordCount: Int { records.count - overlay.droppedRecords }

    /// Whether a record is still part of the batch.
    public func isLive(record: Int) -> Bool { !overlay.isDropped(record: record) }
}
