// SPDX-License-Identifier: Apache-2.0

/// A log record to write.
public struct LogRecordDraft: Sendable, Hashable {
    /// When it happened, in nanoseconds since 1970; 0 if unknown.
    public var time: UInt64
    /// When it was observed, in nanoseconds since 1970; 0 if unknown.
    public var observedTime: UInt64
    /// Severity number, 1 to 24; 0 if unspecified.
    public var severity: UInt8
    /// The name of the event, or empty.
    public var eventName: String
    /// The message, if any.
    public var body: String?
    /// The attributes in order.
    public var attributes: [Attribute]

    /// A key and a value.
    public struct Attribute: Sendable, Hashable {
        /// The key.
        public var key: String
        /// The value.
        public var value: AttributeScalar

        /// Creates an attribute.
        public init(_ key: String, _ value: AttributeScalar) {
            self.key = key
            self.value = value
        }
    }

    /// Creates a record.
    public init(
        time: UInt64,
        observedTime: UInt64 = 0,
        severity: UInt8 = 0,
        eventName: String = "",
        body: String? = nil,
        attributes: [Attribute] = []
    ) {
        self.time = time
        self.observedTime = observedTime
        self.severity = severity
        self.eventName = eventName
        self.body = body
        self.attributes = attributes
    }

    /// Adds an attribute.
    public mutating func append(_ key: String, _ value: AttributeScalar) { attributes.append(Attribute(key, value)) }

    /// Adds an attribute under a known key.
    public mutating func append(_ key: AttributeKey, _ value: AttributeScalar) { append(key.name, value) }
}

/// Writes the attributes of a log record in the order in which they are given.
public struct LogAttributeWriter {
    fileprivate var writer = ProtobufWriter()

    /// Writes an attribute with a text.
    public mutating func add(_ key: String, _ text: String) { writer.attribute(Field.LogRecord.attributes, key, text) }

    /// Writes an attribute with a whole number.
    public mutating func add(_ key: String, _ number: Int64) {
        writer.attribute(Field.LogRecord.attributes, key, number: number)
    }

    /// Writes an attribute with a flag.
    public mutating func add(_ key: String, _ flag: Bool) {
        writer.attribute(Field.LogRecord.attributes, key, .bool(flag))
    }

    /// Writes an attribute with a number.
    public mutating func add(_ key: String, _ number: Double) {
        writer.attribute(Field.LogRecord.attributes, key, .double(number))
    }
}

/// Builds a logs request of our own: one resource, one scope, any number of records.
public struct LogBatchBuilder: Sendable {
    private let resource: [LogRecordDraft.Attribute]
    private let scopeName: String
    private let scopeVersion: String
    private var records = ProtobufWriter()

    /// How many records were added.
    public private(set) var recordCount = 0

    /// Begins a request.
    public init(resource: [LogRecordDraft.Attribute], scopeName: String, scopeVersion: String = "") {
        self.resource = resource
        self.scopeName = scopeName
        self.scopeVersion = scopeVersion
    }

    /// The size of the records so far, for splitting requests.
    public var byteCount: Int { records.count }

    /// Adds a record whose attributes a closure writes one by one, without collecting them first.
    public mutating func append(time: UInt64, eventName: String, attributes: (inout LogAttributeWriter) -> Void) {
        recordCount += 1
        records.message(Field.Level.records) { writer in
            writer.fixed64(Field.LogRecord.time, time)
            // Moved out and back, so that the bytes have one owner and are never copied.
            var lent = LogAttributeWriter()
            swap(&lent.writer, &writer)
            attributes(&lent)
            swap(&lent.writer, &writer)
            writer.string(Field.LogRecord.eventName, eventName)
        }
    }

    /// Adds a record.
    public mutating func append(_ record: LogRecordDraft) {
        recordCount += 1
        records.message(Field.Level.records) { writer in
            writer.fixed64(Field.LogRecord.time, record.time)
            writer.uint(Field.LogRecord.severity, UInt64(record.severity))
            if let body = record.body {
                writer.message(Field.LogRecord.body) { $0.scalar(.string(body)) }
            }
            for attribute in record.attributes {
                writer.attribute(Field.LogRecord.attributes, attribute.key, attribute.value)
            }
            writer.fixed64(Field.LogRecord.observedTime, record.observedTime)
            writer.string(Field.LogRecord.eventName, record.eventName)
        }
    }

    /// The finished ExportLogsServiceRequest.
    public consuming func finish() -> [UInt8] {
        let (resource, scopeName, scopeVersion) = (resource, scopeName, scopeVersion)
        let records = records.finish()
        var (resourceField, scopeField) = (ProtobufWriter(), ProtobufWriter())
        resourceField.message(Field.Level.resource) { writer in
            for attribute in resource { writer.attribute(Field.Resource.attributes, attribute.key, attribute.value) }
        }
        scopeField.message(Field.Level.scope) { writer in
            writer.string(Field.Scope.name, scopeName)
            writer.string(Field.Scope.version, scopeVersion)
        }
        // The lengths are known in advance, so that the records are copied only once.
        let scopes = scopeField.count + records.count
        let resources = resourceField.count + ProtobufWriter.size(ofMessage: scopes, Field.Level.scopes)
        var request = ProtobufWriter()
        request.reserve(ProtobufWriter.size(ofMessage: resources, Field.Level.resources))
        request.open(Field.Level.resources, length: resources)
        request.append(resourceField.finish())
        request.open(Field.Level.scopes, length: scopes)
        request.append(scopeField.finish())
        request.append(records)
        return request.finish()
    }

    /// The finished request as a batch.
    ///
    /// - Throws: ``OTLPError`` only if the records exceed 2 GiB.
    public consuming func batch() throws(OTLPError) -> OTLPBatch { try OTLPBatch(signal: .logs, protobuf: finish()) }
}
