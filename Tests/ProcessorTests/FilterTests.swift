// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import CollectorTesting
import FilterProcessor
import OTLP
import Testing
import Usage

@Suite struct FilterTests {
    @Test func `it keeps the contract`() async throws {
        let folder = try TemporaryFolder()
        #expect(await ComponentConformance(.filter, home: folder.path).violations() == [])
        let (config, problems) = decoded(FilterConfig.self, "log_conditions: ['true']\ntraces: { span: ['true'] }\n")
        #expect(problems == [])
        #expect(await ComponentConformance(.filter, config: config, home: folder.path).violations() == [])
    }

    /// A configuration as it is found in the OpenTelemetry Collector's documentation, in both forms.
    @Test(arguments: [
        """
        error_mode: ignore
        trace_conditions:
          - span.attributes["container.name"] == "app_container_1"
          - resource.attributes["host.name"] == "localhost"
        log_conditions:
          - IsMatch(log.body, ".*password.*")
          - log.severity_number < SEVERITY_NUMBER_WARN
        metric_conditions:
          - metric.name == "my.metric" and resource.attributes["my_label"] == "abc123"
          - metric.type == METRIC_DATA_TYPE_HISTOGRAM
        """,
        """
        error_mode: propagate
        traces:
          span:
            - 'attributes["container.name"] == "app_container_1"'
          resource:
            - 'attributes["host.name"] == "localhost"'
        logs:
          log_record:
            - 'IsMatch(body, ".*password.*")'
            - 'severity_number < SEVERITY_NUMBER_WARN'
        metrics:
          metric:
            - 'name == "my.metric" and resource.attributes["my_label"] == "abc123"'
            - 'type == METRIC_DATA_TYPE_HISTOGRAM'
        """,
    ])
    func `the new and the old form do the same`(yaml: String) throws {
        let (config, problems) = decoded(FilterConfig.self, yaml)
        #expect(problems == [])
        let processor = try ComponentFactory.filter.makeProcessor(config, settings("filter"))
        var traces = try spans(
            #""name":"gone","attributes":[\#(text("container.name", "app_container_1"))]"#,
            #""name":"kept""#
        )
        try processor.process(&traces)
        #expect(names(traces) == ["kept"])
        var local = try spans(#""name":"gone""#, resource: text("host.name", "localhost"))
        try processor.process(&local)
        #expect(names(local) == [])
        #expect(local.otlp.encoded() == [])
        var records = try logs(
            #""severityNumber":17,"body":{"stringValue":"the password is"},"eventName":"gone""#,
            #""severityNumber":9,"eventName":"gone""#,
            #""severityNumber":13,"eventName":"kept""#
        )
        try processor.process(&records)
        #expect(names(records) == ["kept"])
        var points = try metrics(
            #""name":"my.metric","gauge":{"dataPoints":[{"asInt":"1"}]}"#,
            #""name":"h","histogram":{"dataPoints":[{"count":"1"}]}"#,
            #""name":"kept","gauge":{"dataPoints":[{"asInt":"2"}]}"#,
            resource: text("my_label", "abc123")
        )
        try processor.process(&points)
        let again = try OTLPBatch(signal: .metrics, protobuf: points.otlp.encoded())
        #expect(again.metrics.map { again.string($0.name) } == ["kept"])
    }

    @Test func `data points are dropped one by one`() throws {
        var config = FilterConfig()
        config.metrics.datapoint = [#"attributes["k"] == "v""#]
        var points = try metrics(
            #""name":"m","gauge":{"dataPoints":[{"asInt":"1","attributes":[\#(text("k", "v"))]},{"asInt":"2"}]}"#
        )
        try ComponentFactory.filter.makeProcessor(config, settings("filter")).process(&points)
        #expect(points.otlp.recordCount == 1)
    }

    @Test func `conditions see what earlier processors changed, and not what they dropped`() throws {
        var config = FilterConfig()
        config.logConditions = [#"attributes["mark"] == "yes""#]
        var batch = try logs(#""eventName":"a""#, #""eventName":"b""#, #""eventName":"c""#)
        batch.otlp.set("mark", to: "yes", record: 1)
        batch.otlp.overlay.drop(record: 0)
        try ComponentFactory.filter.makeProcessor(config, settings("filter")).process(&batch)
        #expect(names(batch) == ["c"])
    }

    @Test func `sessions of the records that stay are found as before`() throws {
        var batch = try logs(#""eventName":"a""#, #""eventName":"b""#)
        for (record, id) in ["one", "two"].enumerated() {
            batch.sessions.assign(record: record, to: batch.sessions.append(SessionUpdate(id: id, time: arrival)))
        }
        var config = FilterConfig()
        config.logConditions = [#"event_name == "a""#]
        try ComponentFactory.filter.makeProcessor(config, settings("filter")).process(&batch)
        #expect(names(batch) == ["b"])
        #expect(batch.sessions[record: 1]?.id == "two")
    }

    @Test func `every invalid condition is reported, with the position inside it`() {
        let problems = decoded(
            FilterConfig.self,
            """
            trace_conditions: ['name == "ok"', 'name = "x"']
            log_conditions: ['severity < 5']
            metrics:
              metric: ['attributes["k"] == 1']
              datapoints: []
            error_mode: loud
            """
        ).problems
        #expect(
            problems == [
                "unknown key \"datapoints\" in metrics",
                "\"loud\" is not one of ignore, silent, propagate",
                "condition at trace_conditions.1: character 6: \"=\" means nothing here",
                "condition at log_conditions.0: character 1: a log record has no field \"severity\" that a condition can use",
                "condition at metrics.metric.0: character 1: a metric has no attributes, its data points have",
            ]
        )
    }

    @Test func `a condition that slipped through prevents the start`() throws {
        var config = FilterConfig()
        config.logs.logRecord = ["body =="]
        let error = #expect(throws: StartError.self) {
            try ComponentFactory.filter.makeProcessor(config, settings("filter"))
        }
        #expect(error?.description.contains("logs.log_record: character 8") == true)
    }

    @Test func `a long text is matched by its beginning`() throws {
        var config = FilterConfig()
        config.logConditions = [#"IsMatch(body, "end$")"#, #"IsMatch(body, "^start")"#]
        let long = String(repeating: "x", count: 100_000)
        var batch = try logs(
            #""eventName":"a","body":{"stringValue":"\#(long)end"}"#,
            #""eventName":"b","body":{"stringValue":"start\#(long)"}"#
        )
        try ComponentFactory.filter.makeProcessor(config, settings("filter")).process(&batch)
        #expect(names(batch) == ["a"])
    }

    private func names(_ batch: Batch) -> [String] {
        batch.otlp.records.indices.filter(batch.otlp.isLive).map { batch.otlp.string(batch.otlp.records[$0].name) }
    }
}
