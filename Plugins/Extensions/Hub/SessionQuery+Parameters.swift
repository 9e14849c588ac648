// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import Usage

extension SessionQuery {
    /// Reads a query from the parameters of an address; those that are missing or empty take their defaults.
    init(_ parameters: QueryParameters, now: Timestamp) throws(APIError) {
        self.init(now: now)
        status = try parameters.choice("status", of: Session.Status.self)
        agent = parameters["agent"]
        model = parameters["model"]
        project = parameters["project"]
        text = parameters["q"]
        sort = try parameters.choice("sort", of: Sort.self) ?? sort
        descending = try parameters.choice("order", of: Order.self).map { $0 == .desc } ?? descending
        limit = try parameters.integer("limit", in: 1...1_000) ?? limit
        if let cursor = parameters["cursor"] {
            guard let cursor = SessionCursor(cursor) else {
                throw .invalid("cursor must be the nextCursor of an earlier answer")
            }
            offset = cursor.offset
        }
    }

    private enum Order: String, CaseIterable {
        case asc, desc
    }
}

/// A place in a list of sessions, as clients carry it from one answer to the next question.
struct SessionCursor {
    let offset: Int

    init(offset: Int) {
        self.offset = offset
    }

    /// Reads the text of a cursor; nil for anything that is none.
    init?(_ text: String) {
        guard text.first == "c", let offset = Int32(text.dropFirst(), radix: 36), offset >= 0 else { return nil }
        self.offset = Int(offset)
    }

    var text: String { "c" + String(offset, radix: 36) }
}
