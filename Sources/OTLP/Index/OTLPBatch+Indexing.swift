// SPDX-License-Identifier: Apache-2.0

extension OTLPBatch {
    init(indexing bytes: [UInt8], signal: Signal, _ limits: ReadingLimits, notes: OTLPNotes = OTLPNotes())
        throws(OTLPError)
    {
        guard bytes.count < Wire.maximumBatchSize else {
            throw OTLPError(offset: 0, path: "", reason: "the request is larger than 2 GiB")
        }
        var indexer = BatchIndexer(signal: signal, limits)
        indexer.checker.notes = notes
        do throws(ParseFailure) {
            try indexer.request(bytes.span.bytes)
        } catch {
            throw OTLPError(error) { FieldPath.inProtobuf(bytes, offset: $0, signal: signal) }
        }
        self.init(indexer, bytes)
    }

    private init(_ indexer: BatchIndexer, _ bytes: [UInt8]) {
        signal = indexer.signal
        self.bytes = bytes
        resources = indexer.resources
        scopes = indexer.scopes
        records = indexer.records
        attributes = indexer.attributes
        metrics = indexer.metrics
        envelopes = indexer.envelopes
        attributeMessages = indexer.attributeMessages
        rejected = indexer.rejected.count
        rejectionReason = indexer.rejectionReason
        notes = indexer.checker.notes
        overlay = Overlay(
            base: bytes.count,
            records: records.count,
            resources: resources.count,
            scopes: scopes.count,
            attributes: attributes.count
        )
        for record in indexer.rejected { overlay.drop(record: record) }
        for field in indexer.unusableFields { overlay.remove(field: field) }
    }
}

extension AttributeMessage {
    init(from start: Int, _ body: Range<Int>, envelope: UInt32) {
        self.init(tagOffset: UInt32(truncatingIfNeeded: start), message: Slice(body), envelope: envelope)
    }
}

extension ResourceEntry {
    init(message: Slice, tagOffset: UInt32) {
        self.init(
            message: message,
            tagOffset: tagOffset,
            schemaURL: .none,
            envelope: 0,
            attributeMessage: .max,
            attributeStart: 0,
            attributeEnd: 0,
            scopeStart: 0,
            scopeEnd: 0
        )
    }
}

extension ScopeEntry {
    init(message: Slice, tagOffset: UInt32) {
        self.init(
            message: message,
            tagOffset: tagOffset,
            name: .none,
            version: .none,
            schemaURL: .none,
            resourceIndex: 0,
            envelope: 0,
            attributeMessage: .max,
            attributeStart: 0,
            attributeEnd: 0,
            recordStart: 0,
            recordEnd: 0
        )
    }
}

extension MetricEntry {
    init(message: Slice, tagOffset: UInt32, _ scope: UInt32) {
        self.init(
            message: message,
            tagOffset: tagOffset,
            name: .none,
            unit: .none,
            description: .none,
            kind: .none,
            temporality: .unspecified,
            isMonotonic: false,
            scopeIndex: scope,
            pointStart: 0,
            pointEnd: 0
        )
    }
}

extension RecordEntry {
    @inline(__always)
    init(message: Slice, tagOffset: UInt32, _ context: RecordContext, attributeStart: UInt32) {
        self.init(
            message: message,
            tagOffset: tagOffset,
            name: .none,
            startTime: 0,
            endTime: 0,
            traceHigh: 0,
            traceLow: 0,
            spanID: 0,
            parentSpanID: 0,
            bodyBits: 0,
            scopeIndex: context.scope,
            envelope: context.envelope,
            metricIndex: context.metric,
            attributeStart: attributeStart,
            attributeEnd: attributeStart,
            bodyKind: .empty,
            kind: 0,
            statusCode: 0
        )
    }
}
