// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import Foundation

/// A body that is small on the wire and needs much more memory in a careless reader.
struct HostileBody: Sendable {
    let name: String
    let path: String
    let type: String
    let bytes: [UInt8]

    /// The body as one gzip member.
    func compressed() throws -> [UInt8] { try Gzip.deflate(bytes, level: 1) }

    /// One of each kind.
    ///
    /// - Parameter size: How many bytes a body has; those of events have at most 8 MiB, which is their limit.
    static func all(size: Int) -> [HostileBody] {
        protobufLogs(size) + protobufOthers(size) + json(size) + events(min(size, 8 << 20 - 4_096))
    }

    // MARK: - Protobuf

    private static let protobufType = "application/x-protobuf"

    /// A field of bytes or a message.
    static func field(_ number: UInt8, _ content: [UInt8]) -> [UInt8] {
        var field = [number << 3 | 2]
        var length = content.count
        while length > 127 {
            field.append(UInt8(length & 127) | 128)
            length >>= 7
        }
        return field + [UInt8(length)] + content
    }

    private static func repeated(_ piece: [UInt8], _ size: Int) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(size)
        for _ in 0..<size / piece.count { bytes += piece }
        return bytes
    }

    /// A request of one scope with these records.
    static func scope(_ records: [UInt8]) -> [UInt8] { field(1, field(2, records)) }

    private static func protobufLogs(_ size: Int) -> [HostileBody] {
        func logs(_ name: String, _ bytes: [UInt8]) -> HostileBody {
            HostileBody(name: name, path: "/v1/logs", type: protobufType, bytes: bytes)
        }
        let attribute = field(6, field(1, [0x6B]) + field(2, field(1, [0x76])))
        let elements = repeated(field(1, field(1, [0x61])), size)
        return [
            logs("empty records", scope(repeated(field(2, []), size))),
            logs("empty attributes", scope(field(2, repeated(field(6, []), size)))),
            logs("small attributes", scope(field(2, repeated(attribute, size)))),
            logs("trace ids of one byte", scope(field(2, repeated(field(9, [1]), size)))),
            logs("empty resources", repeated(field(1, []), size)),
            logs("empty scopes", field(1, repeated(field(2, []), size))),
            logs("attributes of a resource", field(1, field(1, repeated(field(1, []), size)) + field(2, field(2, [])))),
            logs("an array of small strings", scope(field(2, field(5, field(5, elements))))),
            logs("one long string", scope(field(2, field(5, field(1, [UInt8](repeating: 0x61, count: size)))))),
        ]
    }

    private static func protobufOthers(_ size: Int) -> [HostileBody] {
        func spans(_ name: String, _ bytes: [UInt8]) -> HostileBody {
            HostileBody(name: name, path: "/v1/traces", type: protobufType, bytes: bytes)
        }
        func metrics(_ name: String, _ bytes: [UInt8]) -> HostileBody {
            HostileBody(name: name, path: "/v1/metrics", type: protobufType, bytes: bytes)
        }
        let event = field(11, field(3, field(1, Array("gen_ai.prompt".utf8)) + field(2, field(1, [0x61]))))
        return [
            spans("empty spans", scope(repeated(field(2, []), size))),
            spans("empty links", scope(field(2, repeated(field(13, []), size)))),
            spans("empty events", scope(field(2, repeated(field(11, []), size)))),
            spans("events that are redacted", scope(field(2, repeated(event, size)))),
            metrics("empty metrics", scope(repeated(field(2, []), size))),
            metrics("empty points", scope(field(2, field(5, repeated(field(1, []), size))))),
        ]
    }

    // MARK: - JSON

    private static func list(_ element: String, _ size: Int) -> String {
        Array(repeating: element, count: size / (element.utf8.count + 1)).joined(separator: ",")
    }

    private static func json(_ size: Int) -> [HostileBody] {
        func logs(_ name: String, _ records: String) -> HostileBody {
            let text = #"{"resourceLogs":[{"scopeLogs":[{"logRecords":["# + records + "]}]}]}"
            return HostileBody(name: name, path: "/v1/logs", type: "application/json", bytes: Array(text.utf8))
        }
        let deep = #"{"body":"# + repeatElement(#"{"arrayValue":{"values":["#, count: 40).joined() + "{}"
        let points = list("0", size)
        let metrics =
            #"{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"histogram":{"dataPoints":[{"bucketCounts":["#
            + points + "]}]}}]}]}]}"
        return [
            logs("JSON: empty records", list("{}", size)),
            logs("JSON: empty attributes", #"{"attributes":["# + list("{}", size) + "]}"),
            logs("JSON: empty elements", #"{"body":{"arrayValue":{"values":["# + list("{}", size) + "]}}}"),
            logs("JSON: deep arrays", list(deep + repeatElement("]}}", count: 40).joined() + "}", size)),
            logs("JSON: one long string", #"{"body":{"stringValue":""# + String(repeating: "a", count: size) + #""}}"#),
            HostileBody(
                name: "JSON: buckets",
                path: "/v1/metrics",
                type: "application/json",
                bytes: Array(metrics.utf8)
            ),
            // Not one byte of it is UTF-8: each becomes three.
            HostileBody(
                name: "JSON: no UTF-8",
                path: "/v1/logs",
                type: "application/json",
                bytes: Array(#"{"x":""#.utf8) + [UInt8](repeating: 0xFF, count: size) + Array(#""}"#.utf8)
            ),
        ]
    }

    private static func events(_ size: Int) -> [HostileBody] {
        func event(_ name: String, _ text: String) -> HostileBody {
            HostileBody(
                name: name,
                path: "/api/telemetry/ingest",
                type: "application/json",
                bytes: Array(text.utf8)
            )
        }
        let members = (0..<size / 13).map { "\"k\($0)\":0" }.joined(separator: ",")
        let nested = size / 2 - 64
        return [
            event("events: unknown members", #"{"sessionId":"s","# + members + "}"),
            event("events: known members again", #"{"sessionId":"s","# + list(#""model":"m""#, size) + "}"),
            event("events: names with escapes", #"{"sessionId":"s","# + list(#""\u006dodel":"m""#, size) + "}"),
            event("events: a long list", "[" + list("{}", size) + "]"),
            event(
                "events: deep arrays",
                #"{"sessionId":"s","x":"# + String(repeating: "[", count: nested)
                    + String(repeating: "]", count: nested) + "}"
            ),
            event("events: many small strings", #"{"sessionId":"s","x":["# + list(#""a""#, size) + "]}"),
        ]
    }
}
