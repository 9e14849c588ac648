// SPDX-License-Identifier: Apache-2.0

extension MessageID {
    /// opentelemetry/proto/common/v1 and resource/v1.
    ///
    /// The `…Strindex` fields serve profiles only and are not read.
    var commonFields: [FieldSchema] {
        switch self {
        case .resource:
            [
                .init(1, "attributes", .keyValue, .repeated),
                .init(2, "droppedAttributesCount", .uint32),
                .init(3, "entityRefs", .entityReference, .repeated),
            ]
        case .entityReference:
            [
                .init(1, "schemaUrl", .string),
                .init(2, "type", .string),
                .init(3, "idKeys", .string, .repeated),
                .init(4, "descriptionKeys", .string, .repeated),
            ]
        case .scope:
            [
                .init(1, "name", .string),
                .init(2, "version", .string),
                .init(3, "attributes", .keyValue, .repeated),
                .init(4, "droppedAttributesCount", .uint32),
            ]
        case .keyValue:
            [.init(1, "key", .string), .init(2, "value", .anyValue)]
        case .anyValue:
            [
                .init(1, "stringValue", .string, .alternative),
                .init(2, "boolValue", .bool, .alternative),
                .init(3, "intValue", .int64, .alternative),
                .init(4, "doubleValue", .double, .alternative),
                .init(5, "arrayValue", .arrayValue, .alternative),
                .init(6, "kvlistValue", .keyValueList, .alternative),
                .init(7, "bytesValue", .bytes, .alternative),
            ]
        case .arrayValue: [.init(1, "values", .anyValue, .repeated)]
        case .keyValueList: [.init(1, "values", .keyValue, .repeated)]
        default: []
        }
    }
}
