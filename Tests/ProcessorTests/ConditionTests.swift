// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import OTLP
import Testing
import Usage

@testable import FilterProcessor

/// Which records a condition is true for.
@Suite struct ConditionTests {
    private static let resource = text("service.name", "shop")

    static let onSpans: [(String, Bool)] = [
        (#"attributes["http.route"] == "/health""#, true),
        (#"span.attributes["http.route"] == "/health""#, true),
        (#"attributes["http.route"] != "/health""#, false),
        (#"attributes["none"] == nil"#, true),
        (#"attributes["http.route"] != nil"#, true),
        (#"attributes["n"] == 5"#, true),
        (#"attributes["n"] == 5.0"#, true),
        (#"attributes["n"] > 4.5 and attributes["n"] < 6"#, true),
        (#"attributes["n"] == "5""#, false),
        (#"attributes["n"] != "5""#, true),
        (#"attributes["n"] < "6""#, false),
        (#"attributes["none"] < 1"#, false),
        (#"attributes["flag"] == true"#, true),
        (#"attributes["flag"]"#, true),
        (#"not attributes["flag"]"#, false),
        (#"attributes["d"] >= -0.5"#, true),
        (#"resource.attributes["service.name"] == "shop""#, true),
        (#"instrumentation_scope.name == "lib" and scope.version == "1""#, true),
        (#"name == "GET /health""#, true),
        (#"span.name > "GET""#, true),
        (#"kind == SPAN_KIND_SERVER"#, true),
        (#"kind.string == "Server""#, true),
        (#"kind == 2 and status.code == STATUS_CODE_ERROR"#, true),
        (#"trace_id == 0x0102030405060708090A0B0C0D0E0F10"#, true),
        (#"span_id.string == "0102030405060708""#, true),
        (#"IsRootSpan()"#, true),
        (#"IsRootSpan() == false"#, false),
        (#"end_time_unix_nano == 2000 and start_time_unix_nano < end_time_unix_nano"#, true),
        (#"IsMatch(name, "^GET\\s/(health|ready)$")"#, true),
        (#"IsMatch(name, "^GET\s/")"#, true),
        (#"IsMatch(name, "(?i)get")"#, true),
        (#"IsMatch(attributes["n"], "^5$")"#, true),
        (#"IsMatch(attributes["none"], ".*")"#, false),
        (#"IsMatch(name, "post") != true"#, true),
        (#"HasPrefix(name, "GET ") and HasSuffix(name, "health")"#, true),
        (#"HasSuffix(attributes["n"], "5")"#, false),
        (
            #"IsString(name) and IsInt(attributes["n"]) and IsDouble(attributes["d"]) and IsBool(attributes["flag"])"#,
            true
        ),
        (#"IsMap(attributes["map"]) and IsList(attributes["list"]) and not IsString(attributes["map"])"#, true),
        (#"attributes["map"] == attributes["map"]"#, false),
        (
            #"Int(attributes["text"]) == 12 and Double(attributes["text"]) == 12.0 and String(attributes["n"]) == "5""#,
            true
        ),
        (#"Int(name) == nil and Int(attributes["d"]) == 0 and Len(name) == 11"#, true),
        (#"false or true and false"#, false),
        (#"(true or true) and not (false or false)"#, true),
        (#"not not true"#, true),
        (#""a" < "b" and 1 <= 1 and nil == nil and true != false"#, true),
        (#"attributes["quo\"te"] == "a\\b\n""#, true),
        (#"attributes["http.route"] == name"#, false),
    ]

    @Test(arguments: onSpans)
    func `conditions on spans`(condition: String, isMet: Bool) throws {
        let batch = try spans(
            """
            "name":"GET /health","kind":2,"startTimeUnixNano":"1000","endTimeUnixNano":"2000","status":{"code":2},"attributes":[
            \(text("http.route", "/health")),{"key":"n","value":{"intValue":"5"}},{"key":"d","value":{"doubleValue":-0.5}},
            {"key":"flag","value":{"boolValue":true}},\(text("text", "12")),{"key":"map","value":{"kvlistValue":{"values":[]}}},
            {"key":"list","value":{"arrayValue":{}}},{"key":"quo\\"te","value":{"stringValue":"a\\\\b\\n"}}]
            """,
            resource: Self.resource
        )
        #expect(try Condition(parsing: condition, in: .span, of: .traces).isMet(by: 0, of: batch.otlp) == isMet)
    }

    static let onLogRecords: [(String, Bool)] = [
        (#"severity_number < SEVERITY_NUMBER_INFO"#, true),
        (#"log.severity_number == SEVERITY_NUMBER_DEBUG2"#, true),
        (#"SEVERITY_NUMBER_FATAL4 == 24 and SEVERITY_NUMBER_UNSPECIFIED == 0 and SEVERITY_NUMBER_WARN == 13"#, true),
        (#"body == "probe from kube""#, true),
        (#"IsMatch(body, "kube")"#, true),
        (#"log.body.string == "probe from kube""#, true),
        (#"event_name == "probe""#, true),
        (#"time_unix_nano == 5 and observed_time_unix_nano == 0"#, true),
        (#"attributes["log.file.name"] == nil or resource.attributes["service.name"] == "x""#, true),
    ]

    @Test(arguments: onLogRecords)
    func `conditions on log records`(condition: String, isMet: Bool) throws {
        let batch = try logs(
            #""timeUnixNano":"5","severityNumber":6,"eventName":"probe","body":{"stringValue":"probe from kube"}"#,
            resource: Self.resource
        )
        #expect(try Condition(parsing: condition, in: .log, of: .logs).isMet(by: 0, of: batch.otlp) == isMet)
    }

    static let onMetrics: [(String, [Int])] = [
        (#"metric.name == "m" and metric.unit == "1" and metric.description == "d""#, [0, 1]),
        (#"name == "h""#, [2]),
        (
            #"type == METRIC_DATA_TYPE_SUM and is_monotonic and aggregation_temporality == AGGREGATION_TEMPORALITY_DELTA"#,
            [0, 1]
        ),
        (#"datapoint.attributes["k"] == "v""#, [1]),
        (#"attributes["k"] != nil"#, [1]),
        (#"value_int == 1"#, [0]),
        (#"value_double > 1"#, [1]),
        (#"value_int == nil and datapoint.count == 3 and sum == 4.5"#, [2]),
    ]

    @Test(arguments: onMetrics)
    func `conditions on metrics`(condition: String, met: [Int]) throws {
        let batch = try metrics(
            """
            "name":"m","unit":"1","description":"d","sum":{"isMonotonic":true,"aggregationTemporality":1,"dataPoints":[{"asInt":"1"},
            {"asDouble":2.5,"attributes":[\(text("k", "v"))]}]}
            """,
            #""name":"h","histogram":{"dataPoints":[{"count":"3","sum":4.5}]}"#
        )
        let condition = try Condition(parsing: condition, in: .anyMetric, of: .metrics)
        #expect(batch.otlp.records.indices.filter { condition.isMet(by: $0, of: batch.otlp) } == met)
    }

    static let faults: [(String, Int, String)] = [
        ("", 1, "expected a path or a value, found the end"),
        (#"name"#, 0, ""),
        (#"name = "x""#, 6, "\"=\" means nothing here"),
        (#"name == 'x'"#, 9, "\"'\" means nothing here"),
        (#"name == "x"#, 9, "the text has no end"),
        (#"name == "#, 9, "expected a path or a value, found the end"),
        (#"name == "x" attributes"#, 13, "expected and, or, or the end, found \"attributes\""),
        (#"name "x""#, 6, "expected ==, !=, <, <=, > or >=, found a text"),
        (#"(name == "x""#, 13, "expected \")\", found the end"),
        (#"attributes == "x""#, 12, "expected \"[\", found \"==\""),
        (#"attributes[5] == "x""#, 12, "expected a text in double quotes, found a number"),
        (#"severity_number < 5"#, 1, "a span has no field \"severity_number\" that a condition can use"),
        (#"log.body == "x""#, 1, "traces have no log"),
        (#"IsMatch(name, "(")"#, 15, "the pattern cannot be read"),
        (#"IsMatch(name)"#, 13, "expected \",\", found \")\""),
        (#"Concat(name) == "x""#, 1, "there is no function \"Concat\" here"),
        (#"IsRootSpan() < true"#, 14, "true and false have no order"),
        (#"5"#, 1, "a value alone is no condition"),
        (#"attributes["n"] == 99999999999999999999"#, 0, ""),
        (#"attributes["n"] == 1e999"#, 20, "\"1e999\" is no number, or too large a one"),
        (#"name. == "x""#, 7, "expected a name, found \"==\""),
    ]

    @Test(arguments: faults)
    func `a syntax error is reported with its position`(condition: String, character: Int, message: String) throws {
        guard character > 0 else {
            _ = try Condition(parsing: condition, in: .span, of: .traces)
            return
        }
        let error = #expect(throws: ConditionError.self) {
            try Condition(parsing: condition, in: .span, of: .traces)
        }
        #expect(error?.position == character - 1)
        #expect(error?.message.hasPrefix(message) == true, "\(error?.message ?? "")")
    }

    @Test(arguments: ["(", "Int(", "not "])
    func `endless nesting is refused or read, never a crash`(piece: String) {
        let text = String(repeating: piece, count: 100_000) + "true"
        if piece == "not " {
            #expect(throws: Never.self) { try Condition(parsing: text, in: .log, of: .logs) }
        } else {
            let error = #expect(throws: ConditionError.self) { try Condition(parsing: text, in: .log, of: .logs) }
            #expect(error?.message == "the parentheses are nested too deep")
        }
    }

    /// Random pieces: every result except a crash is right.
    @Test func `random conditions are read or refused`() throws {
        let pieces = [
            "name", "attributes", "[", "]", "\"k\"", "==", "<", "and", "or", "not", "(", ")", "5", "-", "nil",
            "IsMatch", ",",
            "resource", ".", "body", "\"", "\\", "é", "0x1f", "true", "IsRootSpan",
        ]
        var random = SystemRandomNumberGenerator()
        let batch = try logs(#""body":{"stringValue":"x"}"#)
        for _ in 0..<3_000 {
            let text = (0..<Int.random(in: 1...12, using: &random)).map { _ in
                pieces.randomElement(using: &random) ?? ""
            }
            .joined(separator: " ")
            do throws(ConditionError) {
                _ = try Condition(parsing: text, in: .log, of: .logs).isMet(by: 0, of: batch.otlp)
            } catch {
                #expect((0...text.count).contains(error.position), "\(text)")
            }
        }
    }
}
