// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import FoundationEssentials
import Usage

extension SessionQuery {
    /// Creates a query from the parameters of a request; missing or empty ones have their defaults.
    init(_ parameters: QueryParameters, timezone: String, now: Timestamp) throws(APIError) {
        self.init(now: now)
        status = try parameters.choice("status", of: Session.Status.self)
        filter = try parameters.filter(in: timezone, now: now)
        if parameters.namesPeriod { period = try parameters.period(in: timezone, now: now) }
        id = parameters["id"]
        text = parameters["q"]
        sort = try parameters.choice("sort", of: Sort.self) ?? sort
        descending = try parameters.choice("order", of: Order.self).map { $0 == .desc } ?? descending
        limit = try parameters.integer("limit", in: 1...1_000) ?? limit
        if let cursor = parameters["cursor"] {
            guard let cursor = SessionCursor(cursor), cursor.sort == sort else {
                throw .invalid("cursor must be the nextCursor of an earlier answer with the same sort")
            }
            after = cursor.place
        }
    }

    private enum Order: String, CaseIterable {
        case asc, desc
    }
}

/// A position in a list of sessions, which clients pass from one answer to the next request.
///
/// It contains the last session of a page and its sort value, so that sessions that are added or move meanwhile shift nothing.
struct SessionCursor {
    let sort: SessionQuery.Sort
    let place: SessionQuery.Place

    init(sort: SessionQuery.Sort, place: SessionQuery.Place) {
        (self.sort, self.place) = (sort, place)
    }

    /// Parses a cursor; nil for any other text.
    init?(_ text: String) {
        let padded = text.replacing("-", with: "+").replacing("_", with: "/")
        let rest = String(repeating: "=", count: (4 - padded.utf8.count % 4) % 4)
        guard text.utf8.count <= 16_384, let data = Data(base64Encoded: padded + rest) else { return nil }
        let parts = String(decoding: data, as: UTF8.self).split(
            separator: "\u{0}",
            maxSplits: 3,
            omittingEmptySubsequences: false
        )
        guard parts.count == 4, let sort = SessionQuery.Sort(rawValue: String(parts[0])), let number = Int64(parts[1])
        else { return nil }
        self.init(sort: sort, place: SessionQuery.Place(number: number, name: String(parts[2]), id: String(parts[3])))
    }

    var text: String {
        // A decoded name may contain any character except the separator.
        let name = place.name.replacing("\u{0}", with: "")
        let data = Data("\(sort.rawValue)\u{0}\(place.number)\u{0}\(name)\u{0}\(place.id)".utf8)
        return data.base64EncodedString().replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
    }
}
