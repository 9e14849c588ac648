// SPDX-License-Identifier: Apache-2.0

/// A message that contains records, directly or not: resource, scope, metric, metric data.
///
/// Its length prefix has to change when something inside it does. Envelopes are kept in the order of their bytes, so a
/// parent always comes before its children.
struct Envelope: Sendable {
    var tagOffset: UInt32
    var message: Slice
    /// The enclosing envelope, or `.max` at the top of the request.
    var parent: UInt32
    /// The records inside, at any depth; when the last one goes, so does the envelope.
    var records: UInt32
}

/// A Resource or InstrumentationScope message: a place where attributes sit beside the records.
struct AttributeMessage: Sendable {
    var tagOffset: UInt32
    var message: Slice
    /// The ResourceSpans or ScopeSpans (…) around it.
    var envelope: UInt32
}
