// SPDX-License-Identifier: Apache-2.0

/// The two encodings of OTLP over HTTP; an answer has that of its request.
enum BodyEncoding: String, CaseIterable {
    case protobuf = "application/x-protobuf"
    case json = "application/json"

    /// The encoding that a Content-Type field names, whatever its case and parameters; nil for every other type.
    init?(contentType: String?) {
        if let contentType, let plain = BodyEncoding(rawValue: contentType) {
            self = plain
            return
        }
        let type = contentType?.prefix { $0 != ";" }.lowercased() ?? ""
        self.init(rawValue: type.trimmingBlanks)
    }
}

/// What was done to a body on its way.
enum ContentCoding: String, CaseIterable {
    case identity = ""
    case gzip

    /// The coding that a Content-Encoding field names; nil for one that cannot be undone here.
    init?(contentEncoding: String?) {
        switch (contentEncoding ?? "").trimmingBlanks.lowercased() {
        case "", "identity": self = .identity
        // RFC 9110 §8.4.1.3: the two names mean the same.
        case "gzip", "x-gzip": self = .gzip
        default: return nil
        }
    }
}

extension String {
    /// The text without the blanks and tabs around it.
    fileprivate var trimmingBlanks: String {
        let start = drop { $0 == " " || $0 == "\t" }
        let blanks = start.reversed().prefix { $0 == " " || $0 == "\t" }.count
        return String(start.dropLast(blanks))
    }
}
