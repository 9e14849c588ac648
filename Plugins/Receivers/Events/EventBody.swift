// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import HTTPTypes
import OTLP

/// The body of a request, as long as it says that it is JSON.
enum EventBody {
    /// Reads the whole body, and hands it over where work of its length belongs.
    static func read<Success>(
        _ request: ServerRequest,
        limit: Int,
        _ use: ([UInt8]) async throws(EventsError) -> Success
    ) async throws(EventsError) -> Success {
        guard isJSON(request) else { throw .unsupportedType }
        let coding = request.head.headerFields[.contentEncoding]?.lowercased() ?? "identity"
        guard ["identity", "gzip", "x-gzip"].contains(coding) else { throw .unsupportedCoding }
        let body: [UInt8]
        do throws(BodyError) {
            body = try await request.body.collect(limit: limit)
        } catch {
            throw error == .tooLarge ? .tooLarge(limit) : .interrupted
        }
        let size = coding == "identity" ? body.count : max(body.count, Gzip.statedSize(of: body))
        return try await request.run(ifShort: { size <= $0 / slowness }) { () async throws(EventsError) -> Success in
            guard coding != "identity" else { return try await use(body) }
            let plain = try inflate(body, limit, request.memory)
            // A sender that understates the size is found out here.
            return try await request.run(ifShort: { plain.count <= $0 / slowness }) {
                () async throws(EventsError) -> Success in try await use(plain)
            }
        }
    }

    /// By how much events take longer to read than the same bytes of OTLP.
    private static let slowness = 4

    private static func inflate(_ body: [UInt8], _ limit: Int, _ memory: (any MemoryAllowance)?) throws(EventsError)
        -> [UInt8]
    {
        do throws(Gzip.Failure) {
            if let plain = try Gzip.inflate(body, limit: limit, memory: memory) { return plain }
        } catch {
            switch error {
            case .tooLarge: throw .tooLarge(limit)
            case .corrupt(let reason): throw .invalid(reason)
            }
        }
        throw memory?.isBeyondLimit == true ? .beyondMemory : .noMemory
    }

    /// Whether the sender may post and says that it posts JSON.
    ///
    /// A page of another origin can post forms and plain text without being asked, but neither this type nor a field for the key:
    /// for those its browser asks first, and is told no. So what `curl -d` calls its body when nobody says what it is
    /// (`application/x-www-form-urlencoded`) is taken from whoever shows a key, and a body without a type from nobody.
    private static func isJSON(_ request: ServerRequest) -> Bool {
        if request.declaresJSON { return true }
        let fields = request.head.headerFields
        let type = (fields[.contentType] ?? "").prefix { $0 != ";" }.lowercased().filter { $0 != " " && $0 != "\t" }
        return type == "application/x-www-form-urlencoded" && showsKey(fields)
    }

    private static func showsKey(_ fields: HTTPFields) -> Bool {
        guard let name = HTTPField.Name("X-Hammurabi-Api-Key") else { return false }
        return fields[name]?.isEmpty == false || fields[.authorization]?.lowercased().hasPrefix("bearer ") == true
    }
}
