// SPDX-License-Identifier: Apache-2.0

/// The two encodings of OTLP/HTTP; an answer has that of its request.
enum BodyEncoding: String, CaseIterable {
    case protobuf = "application/x-protobuf"
    case json = "application/json"

    /// The encoding of a Content-Type field, in any case and with any parameters; nil for other types.
    init?(contentType: String?) {
        if let contentType, let plain = BodyEncoding(rawValue: contentType) {
            self = plain
            return
        }
        let type = contentType?.prefix { $0 != ";" }.lowercased() ?? ""
        self.init(rawValue: type.trimmingBlanks)
    }
}

extension String {
    /// The text without spaces and tabs at its ends.
    fileprivate var trimmingBlanks: String {
        let start = drop { $0 == " " || $0 == "\t" }
        let blanks = start.reversed().prefix { $0 == " " || $0 == "\t" }.count
        return String(start.dropLast(blanks))
    }
}
