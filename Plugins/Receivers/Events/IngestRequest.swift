// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import FoundationEssentials
import HTTPTypes
import Usage

/// The events of a request: one, or a list of them that is taken as a whole or not at all.
struct IngestRequest {
    let events: [UsageEvent]
    /// Whether the sender posted a list and wants one back.
    let isList: Bool

    /// How many events a list may have.
    static let largestList = 1_000

    /// Reads a body.
    init(_ body: [UInt8], now: Timestamp) throws(EventsError) {
        let fields: [EventFields]
        (fields, isList) = try Self.fields(body)
        var events: [UsageEvent] = []
        events.reserveCapacity(fields.count)
        for (position, fields) in fields.enumerated() {
            do throws(EventFieldError) {
                events.append(try UsageEvent(fields, now: now))
            } catch {
                let place = isList ? "event \(position): " : ""
                throw .invalid("\(place)\(error.field) \(error.rule)")
            }
        }
        self.events = events
    }

    private static func fields(_ body: [UInt8]) throws(EventsError) -> ([EventFields], isList: Bool) {
        if let fault = StrictJSON.fault(in: body) { throw .invalid(fault) }
        let isList = body.first { ![0x20, 0x09, 0x0A, 0x0D].contains($0) } == UInt8(ascii: "[")
        let known = try KnownMembers(events: body, most: largestList)
        guard known.count <= largestList else {
            throw .invalid("a list may have at most \(largestList) events, this one has \(known.count)")
        }
        do {
            let data = Data(known.json)
            return isList
                ? (try JSONDecoder().decode([EventFields].self, from: data), true)
                : ([try JSONDecoder().decode(EventFields.self, from: data)], false)
        } catch DecodingError.typeMismatch(_, let context), DecodingError.valueNotFound(_, let context) {
            guard isList, let position = context.codingPath.first?.intValue else {
                throw .invalid("the body must be an event, which is a JSON object, or a list of events")
            }
            throw .invalid("event \(position): must be a JSON object")
        } catch {
            throw .invalid("the body is no JSON")
        }
    }
}

extension KnownMembers {
    /// Reads the members of events.
    init(events body: [UInt8], most: Int) throws(EventsError) {
        do throws(Fault) {
            try self.init(body, names: EventFields.names, most: most)
        } catch {
            switch error {
            case .malformed: throw .invalid("the body is no JSON")
            case .repeated(let event): throw .invalid("event \(event): names its members again and again")
            }
        }
    }
}

extension ServerResponse {
    /// Says that events are on the disk, and under which ids their calls are found.
    init(accepting request: IngestRequest) {
        func quoted(_ id: String?) -> String { id.map { "\"\($0)\"" } ?? "null" }
        let ids = request.events.map { quoted($0.callID) }
        let text =
            request.isList
            ? "{\"ok\":true,\"accepted\":\(ids.count),\"callIds\":[\(ids.joined(separator: ","))]}"
            : "{\"ok\":true,\"callId\":\(ids.first ?? "null")}"
        self.init(.accepted, [.contentType: "application/json"], body: .bytes(Array(text.utf8)))
    }

    /// Says why events are not taken.
    init(_ refusal: EventsError) {
        struct Failure: Encodable {
            let error: String
            let status: Int
        }
        let failure = Failure(error: refusal.message, status: refusal.status.code)
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let body = (try? encoder.encode(failure)).map { Array($0) } ?? []
        self.init(refusal.status, refusal.fields, body: .bytes(body))
        rejection = Rejection(refusal.problem ?? IntakeProblem.Code(status: refusal.status.code), refusal.message)
        head.headerFields[.contentType] = "application/json"
    }
}
