// SPDX-License-Identifier: Apache-2.0

/// One resource (ResourceSpans, ResourceLogs or ResourceMetrics) of a batch.
public struct ResourceEntry: Sendable, Hashable {
    /// The schema of the resource, or an empty slice.
    public var schemaURL: Slice
    var envelope: UInt32
    /// The Resource message to edit, as an index of `attributeMessages`, or `.max` when it is missing.
    var attributeMessage: UInt32
    var attributeStart: UInt32
    var attributeEnd: UInt32
    var scopeStart: UInt32
    var scopeEnd: UInt32

    /// Its attributes as indices of ``OTLPBatch/attributes``, as received.
    public var attributes: Range<Int> { Int(attributeStart)..<Int(attributeEnd) }
    /// Its scopes as indices of ``OTLPBatch/scopes``.
    public var scopes: Range<Int> { Int(scopeStart)..<Int(scopeEnd) }
}

/// One instrumentation scope (ScopeSpans, ScopeLogs or ScopeMetrics) of a batch.
public struct ScopeEntry: Sendable, Hashable {
    /// The name of the scope, or an empty slice.
    public var name: Slice
    /// The version of the scope, or an empty slice.
    public var version: Slice
    /// The schema of the records, or an empty slice.
    public var schemaURL: Slice
    var resourceIndex: UInt32
    var envelope: UInt32
    var attributeMessage: UInt32
    var attributeStart: UInt32
    var attributeEnd: UInt32
    var recordStart: UInt32
    var recordEnd: UInt32

    /// The resource it belongs to, as an index of ``OTLPBatch/resources``.
    public var resource: Int { Int(resourceIndex) }
    /// Its attributes as indices of ``OTLPBatch/attributes``, as received.
    public var attributes: Range<Int> { Int(attributeStart)..<Int(attributeEnd) }
    /// Its spans, log records or data points as indices of ``OTLPBatch/records``.
    public var records: Range<Int> { Int(recordStart)..<Int(recordEnd) }
}
