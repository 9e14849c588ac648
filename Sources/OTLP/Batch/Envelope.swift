// SPDX-License-Identifier: Apache-2.0

/// A message that contains records, directly or indirectly: resource, scope, metric, metric data.
///
/// Its length prefix changes when something inside it does. Envelopes are ordered by their bytes, so that a parent always comes
/// before its children.
struct Envelope: Sendable {
    var tagOffset: UInt32
    var message: Slice
    /// The enclosing envelope, or `.max` at the top of the request.
    var parent: UInt32
    /// The number of records inside, at any depth; when the last one is dropped, so is the envelope.
    var records: UInt32
}

/// A Resource or InstrumentationScope message, whose attributes apply to all records of its envelope.
struct AttributeMessage: Sendable {
    var tagOffset: UInt32
    var message: Slice
    /// The ResourceSpans or ScopeSpans (…) around it.
    var envelope: UInt32
}
