// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import HTTPTypes

/// The body of a request, as long as it says that it is JSON.
enum EventBody {
    /// Reads the whole body.
    static func read(_ request: ServerRequest, limit: Int) async throws(EventRefusal) -> [UInt8] {
        guard isJSON(request) else { throw .unsupportedType }
        let coding = request.head.headerFields[.contentEncoding]?.lowercased() ?? "identity"
        guard ["identity", "gzip", "x-gzip"].contains(coding) else { throw .unsupportedCoding }
        let body: [UInt8]
        do throws(BodyError) {
            body = try await request.body.collect(limit: limit)
        } catch {
            throw error == .tooLarge ? .tooLarge(limit) : .interrupted
        }
        guard coding != "identity" else { return body }
        do throws(Gzip.Failure) {
            return try Gzip.inflate(body, limit: limit)
        } catch {
            switch error {
            case .tooLarge: throw .tooLarge(limit)
            case .corrupt(let reason): throw .invalid(reason)
            }
        }
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
