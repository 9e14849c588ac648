// SPDX-License-Identifier: Apache-2.0

/// The body of a successful answer: Export…ServiceResponse in either encoding.
public enum ExportResponse {
    /// Writes the answer.
    ///
    /// Full success is an empty message (`{}` in JSON, no bytes in protobuf): `partialSuccess` must then stay unset.
    public static func body(signal: Signal, rejected: Int, message: String, json: Bool) -> [UInt8] {
        guard rejected > 0 || !message.isEmpty else { return json ? Array("{}".utf8) : [] }
        let message = message.prefix(bytes: RPCStatus.longestMessage)
        guard json else {
            var writer = ProtobufWriter()
            writer.message(Field.ExportResponse.partialSuccess) { writer in
                writer.int(Field.PartialSuccess.rejected, Int64(rejected))
                writer.string(Field.PartialSuccess.errorMessage, message)
            }
            return writer.finish()
        }
        var sink = ByteSink()
        sink.append("{\"partialSuccess\":{")
        if rejected > 0 {
            sink.append(string: "\"\(signal.rejectedName)\":\"\(rejected)\"\(message.isEmpty ? "" : ",")")
        }
        if !message.isEmpty {
            sink.append("\"errorMessage\":")
            sink.quoted(message)
        }
        sink.append("}}")
        return sink.finish()
    }
}

/// The body of an error answer: google.rpc.Status in either encoding.
public enum RPCStatus {
    /// Writes the status in protobuf with a google.rpc.RetryInfo: after how many seconds the sender may try again.
    public static func body(code: Int32, message: String, retryAfter seconds: Int64) -> [UInt8] {
        var writer = ProtobufWriter()
        writer.append(body(code: code, message: message, json: false))
        // Status.details, a google.protobuf.Any, and the fields of RetryInfo and Duration.
        writer.message(3) { any in
            any.string(1, "type.googleapis.com/google.rpc.RetryInfo")
            any.message(2) { info in info.message(1) { $0.int(1, seconds) } }
        }
        return writer.finish()
    }

    /// Messages are cut to this many bytes, so that an answer never exceeds what clients read.
    public static let longestMessage = 1024

    /// Writes the status; `code` is a gRPC code, such as 3 for invalid data or 14 for unavailable.
    public static func body(code: Int32, message: String, json: Bool) -> [UInt8] {
        let message = message.prefix(bytes: longestMessage)
        guard json else {
            var writer = ProtobufWriter()
            writer.int(Field.Status.code, Int64(code))
            writer.string(Field.Status.message, message)
            return writer.finish()
        }
        var sink = ByteSink()
        sink.append(string: "{\"code\":\(code),\"message\":")
        sink.quoted(message)
        sink.append(UInt8(ascii: "}"))
        return sink.finish()
    }
}

extension Signal {
    fileprivate var rejectedName: String {
        switch self {
        case .traces: "rejectedSpans"
        case .logs: "rejectedLogRecords"
        case .metrics: "rejectedDataPoints"
        }
    }
}

extension String {
    /// The longest prefix of whole characters with at most this many bytes.
    fileprivate func prefix(bytes limit: Int) -> String {
        guard utf8.count > limit else { return self }
        var end = utf8.index(utf8.startIndex, offsetBy: limit)
        while end > startIndex, end.samePosition(in: unicodeScalars) == nil { end = utf8.index(before: end) }
        return String(self[..<end])
    }
}
