// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import CollectorTesting
import OTLP
import SendingQueue
import SinkServer
import Testing
import Usage
import YAML

@testable import OTLPHTTPExporter

/// The route of requests, and their form at a proxy for plain HTTP.
struct ProxyTests {
    private static let environment = [
        "HTTP_PROXY": "http://user:p%40ss@plain:3128/", "https_proxy": "tls:3129",
        "NO_PROXY": "corp.example, .inner.example,10.0.0.0/8,192.168.1.7,host.example:4318,fd00::/8,2001:db8::7",
    ]

    @Test(arguments: [
        ("http://hub.example:4318", "plain:3128"), ("https://hub.example", "tls:3129"),
        ("http://127.0.0.1:4318", nil), ("http://localhost:4318", nil), ("http://[::1]:4318", nil),
        ("http://corp.example", nil), ("http://a.corp.example", nil), ("http://xcorp.example", "plain:3128"),
        ("http://inner.example", "plain:3128"), ("https://a.inner.example", nil), ("http://10.200.3.4:1", nil),
        ("http://11.0.0.1", "plain:3128"), ("http://192.168.1.7", nil), ("http://192.168.1.70", "plain:3128"),
        ("http://[fd12:3456::1]:4318", nil), ("http://[fe00::1]", "plain:3128"), ("http://[2001:DB8:0::7]", nil),
        ("http://[2001:db8::8]", "plain:3128"), ("http://host.example:4318", nil),
        ("http://host.example:4319", "plain:3128"),
    ])
    func `the environment decides which proxy a request uses`(address: String, proxy: String?) throws {
        let routes = ProxyRoutes(configured: "", environment: Self.environment)
        #expect(routes.proxy(for: try #require(WebAddress(address)))?.text == proxy)
        #expect(routes.unusable == [])
    }

    @Test func `a configured proxy is used for everything, and the environment is ignored`() throws {
        let routes = ProxyRoutes(configured: "http://own:8080", environment: Self.environment)
        for address in ["http://127.0.0.1:4318", "https://corp.example"] {
            #expect(routes.proxy(for: try #require(WebAddress(address)))?.text == "own:8080")
        }
    }

    @Test func `another kind of proxy is named and left out`() throws {
        let routes = ProxyRoutes(configured: "", environment: ["HTTPS_PROXY": "socks5://a:1", "HTTP_PROXY": ""])
        #expect(routes.unusable == ["HTTPS_PROXY"])
        #expect(routes.proxy(for: try #require(WebAddress("https://a"))) == nil)
    }

    @Test func `credentials of a proxy are decoded`() throws {
        let proxy = try #require(ProxyAddress("http://user:p%40ss@plain:3128/"))
        #expect(proxy.credentials == ProxyAddress.Credentials(user: "user", password: "p@ss"))
        #expect(ProxyAddress("http://a:b@") == nil)
        #expect(ProxyAddress("") == nil)
    }

    @Test func `a configured proxy may have a name and a password, which no answer shows`() async throws {
        let basic = "dTpwQHNz"
        let proxy = try await SinkServer.start { request in
            request.fields["proxy-authorization"] == "Basic \(basic)"
                ? SinkServer.Reply(400, [], Array("no entry for p@ss and \(basic)".utf8)) : SinkServer.Reply(407)
        }
        let place = proxy.address.dropFirst("http://".count)
        let bench = Bench("http://hub.example.invalid:4318") { $0.proxyURL = Secret("http://u:p%40ss@\(place)") }
        try await bench.start()
        try await bench.consume(try logs("a"))
        try await waitUntil { bench.counters.value(.failed) == 1 }
        #expect(bench.log.lines.contains { $0.contains("\(place)") })
        #expect(!bench.log.lines.contains { $0.contains("p@ss") || $0.contains("p%40ss") || $0.contains(basic) })
        let letters = try await bench.deadLetters()
        #expect(letters.map(\.reason) == ["the destination answered 400: no entry for [redacted] and [redacted]"])
        await proxy.stop()
    }

    @Test func `a proxy that wants other credentials keeps batches waiting, and is named`() async throws {
        let proxy = try await SinkServer.start { request in
            SinkServer.Reply(request.fields["proxy-authorization"] == nil ? 407 : 200)
        }
        let place = proxy.address.dropFirst("http://".count)
        let bench = Bench("http://hub.example.invalid:4318") { $0.proxyURL = Secret(proxy.address) }
        try await bench.start()
        try await bench.consume(try logs("a"))
        let wanted = "the proxy \(place) answered 407: it wants a name and password"
        try await waitUntil { bench.counters.lastTrouble?.message.contains(wanted) == true }
        try await waitUntil { proxy.requests.count >= 2 }
        #expect(bench.counters.value(.failed) == 0)
        #expect(try await bench.deadLetters().isEmpty)
        await proxy.stop()
    }

    @Test func `a tunnel that is refused for want of credentials keeps batches waiting, and names the proxy`()
        async throws
    {
        let proxy = try await SinkServer.start { _ in SinkServer.Reply(407) }
        let place = proxy.address.dropFirst("http://".count)
        let bench = Bench("https://hub.example.invalid:4318") { $0.proxyURL = Secret("http://u:wrong@\(place)") }
        try await bench.start()
        try await bench.consume(try logs("a"))
        let wanted = "the proxy \(place) answered 407: it does not accept the name and password"
        try await waitUntil { bench.counters.lastTrouble?.message.contains(wanted) == true }
        #expect(bench.counters.value(.failed) == 0)
        #expect(try await bench.deadLetters().isEmpty)
        await proxy.stop()
    }

    @Test func `plain HTTP reaches a proxy in absolute form, not through a tunnel`() async throws {
        let proxy = try await SinkServer.start()
        let bench = Bench("http://hub.example.invalid:4318/otel?token=a") { $0.proxyURL = Secret(proxy.address) }
        try await bench.start()
        try await bench.consume(try logs("a"))
        try await bench.consume(try logs("b"))
        try await waitUntil { try proxy.requests.reduce(0) { try $0 + $1.texts().count } == 2 }
        for request in proxy.requests {
            #expect(request.path == "http://hub.example.invalid:4318/otel/v1/logs?token=a")
            #expect(request.fields["host"] == "hub.example.invalid:4318")
            #expect(request.fields["x-hammurabi-absolute-form"] == nil)
        }
        await bench.stop()
        await proxy.stop()
    }
}

/// Signals for which a destination has no path.
struct UntakenSignalTests {
    @Test(arguments: [404, 405])
    func `a signal that the destination never accepts is logged once and not queued`(status: Int) async throws {
        let sink = try await SinkServer.start { SinkServer.Reply($0.path == "/v1/traces" ? 200 : status) }
        let bench = Bench(sink.address)
        try await bench.start()
        try await bench.consume(try logs("a", signal: .traces))
        try await waitUntil { bench.counters.value(.sent) == 1 }
        try await bench.consume(try logs("b"))
        try await waitUntil { bench.counters.value(.failed) == 1 }
        for name in ["c", "d"] { try await bench.consume(try logs(name, 2)) }
        #expect(bench.counters.value(.dropped) == 4)
        #expect(bench.log.lines.count { $0.contains("no path for a signal") } == 1)
        try await bench.consume(try logs("e", signal: .traces))
        try await waitUntil { bench.counters.value(.sent) == 2 }
        #expect(sink.requests.count == 3)
        #expect(try await bench.deadLetters().count == 1)
        await sink.stop()
    }

    @Test func `each signal that the destination does not accept is said once, and the status names all of them`()
        async throws
    {
        let sink = try await SinkServer.start { SinkServer.Reply($0.path == "/v1/traces" ? 200 : 404) }
        let bench = Bench(sink.address)
        try await bench.start()
        try await bench.consume(try logs("a", signal: .traces))
        try await waitUntil { bench.counters.value(.sent) == 1 }
        try await bench.consume(try logs("b"))
        try await waitUntil { bench.counters.value(.failed) == 1 }
        let metrics =
            #"{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"name":"m","gauge":{"dataPoints":[{"asInt":"1"}]}}]}]}]}"#
        let batch = Batch(
            try OTLPBatch(signal: .metrics, json: Array(metrics.utf8)),
            receivedAt: Timestamp(nanoseconds: 1_790_000_000_000_000_000)
        )
        try await bench.consume(batch)
        try await waitUntil { bench.counters.value(.failed) == 2 }
        #expect(bench.log.lines.count { $0.contains("no path for a signal") } == 2)
        let wanted = "the destination does not accept logs, metrics: it answered 404"
        try await waitUntil { bench.counters.lastTrouble?.message == wanted }
        await bench.stop()
        await sink.stop()
    }

    @Test func `a wrong endpoint takes nothing, and keeps everything as dead letters`() async throws {
        let sink = try await SinkServer.start { _ in SinkServer.Reply(404) }
        let bench = Bench(sink.address)
        try await bench.start()
        for (count, name) in ["a", "b"].enumerated() {
            try await bench.consume(try logs(name))
            try await waitUntil { bench.counters.value(.failed) == count + 1 }
        }
        #expect(bench.counters.value(.dropped) == 0)
        #expect(try await bench.deadLetters().count == 2)
        await sink.stop()
    }
}
