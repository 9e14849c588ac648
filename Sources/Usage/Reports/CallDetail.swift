// SPDX-License-Identifier: Apache-2.0

/// One call with what it was made of.
public struct CallDetail: Sendable, Hashable {
    /// The session under which it is listed.
    public var session: String
    /// The call with its price.
    public var call: Call
    /// Its observations, and which of them each figure is from.
    public var evidence: CallEvidence
    /// The spans that the observations name, and the log records of the session at the times of the others, in order of time, at most
    /// ``maximumRecords``.
    public var records: [CallRecord] = []
    /// Whether the store keeps records of what it takes in now.
    public var keepsRecords: Bool

    /// How many records a detail lists.
    public static let maximumRecords = 20

    /// Creates a detail without records.
    public init(session: String, call: Call, observations: [Observation], keepsRecords: Bool) {
        (self.session, self.call, self.keepsRecords) = (session, call, keepsRecords)
        evidence = CallEvidence(observations)
    }
}

/// A stored log record or span as it was kept: what a redaction dropped is not in it.
public struct CallRecord: Sendable, Hashable {
    /// The time of the record; of a span its end.
    public var time: Timestamp
    /// The name of its event or span; empty without one.
    public var name: String
    /// The positions in ``CallEvidence/observations`` of the observations that it was or may have been.
    public var observations: [Int]
    /// The record with its resource and scope as OTLP/JSON; nil when it is longer than ``maximumSize``.
    public var json: String?
    /// The length of that text in bytes.
    public var size: Int

    /// The longest text of a record in bytes.
    public static let maximumSize = 65_536

    /// Creates a record; a text that is too long is left out.
    public init(time: Timestamp, name: String, observations: [Int], text: [UInt8]) {
        (self.time, self.name, self.observations, size) = (time, name, observations, text.count)
        json = text.count <= Self.maximumSize ? String(decoding: text, as: UTF8.self) : nil
    }
}
