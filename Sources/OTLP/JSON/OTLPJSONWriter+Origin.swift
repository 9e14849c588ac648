// SPDX-License-Identifier: Apache-2.0

extension OTLPJSONWriter {
    /// Writes a resource as received, as one JSON object; an empty one when the sender left it out.
    public mutating func writeResource(_ index: Int, of batch: OTLPBatch) {
        write(.resource, batch.resources[index].attributeMessage, of: batch)
    }

    /// Writes an instrumentation scope as received, as one JSON object; an empty one when the sender left it out.
    public mutating func writeScope(_ index: Int, of batch: OTLPBatch) {
        write(.scope, batch.scopes[index].attributeMessage, of: batch)
    }

    private mutating func write(_ id: MessageID, _ attributeMessage: UInt32, of batch: OTLPBatch) {
        let range = attributeMessage == .max ? 0..<0 : batch.attributeMessages[Int(attributeMessage)].message.range
        whole(id, range, batch.bytes.span.bytes, depth: 3)
    }
}
