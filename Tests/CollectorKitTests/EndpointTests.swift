// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import HTTPTypes
import Testing

/// Addresses as people write them.
struct EndpointTests {
    @Test(arguments: [
        ("127.0.0.1:4318", "127.0.0.1", 4_318, true), ("localhost:1", "localhost", 1, true),
        ("[::1]:4318", "::1", 4_318, true),
        (":4318", "0.0.0.0", 4_318, false), ("0.0.0.0:65535", "0.0.0.0", 65_535, false),
        ("hub.example.org:0", "hub.example.org", 0, false),
        ("127.example.com:4318", "127.example.com", 4_318, false), ("127.0.0.999:4318", "127.0.0.999", 4_318, false),
    ])
    func `an endpoint is host and port`(text: String, host: String, port: Int, isLoopback: Bool) throws {
        let endpoint = try #require(Endpoint(text))
        #expect((endpoint.host, endpoint.port, endpoint.isLoopback) == (host, port, isLoopback))
    }

    @Test(arguments: [
        "", "4318", "localhost", "localhost:", "localhost:65536", "localhost:-1", "::1:4318", "http://localhost:4318",
        "a b:1", "a:+1",
    ])
    func `anything else is not recognised`(text: String) {
        #expect(Endpoint(text) == nil)
    }

    @Test(arguments: [
        ("10.1.2.3", "10.0.0.0/8", true), ("11.1.2.3", "10.0.0.0/8", false), ("10.0.0.129", "10.0.0.128/25", true),
        ("10.0.0.1", "10.0.0.128/25", false), ("1.2.3.4", "0.0.0.0/0", true), ("fd12::1", "fd00::/8", true),
        ("fe00::1", "fd00::/8", false), ("fd12::1", "::/0", true), ("10.0.0.1", "::/0", false),
        ("::ffff:10.0.0.1", "10.0.0.0/8", true), ("10.0.0.1", "10.0.0.1/32", true), ("10.0.0.1", "10.0.0.0/33", false),
        ("10.0.0.1", "10.0.0.0/-1", false), ("10.0.0.1", "10.0.0.0/", false), ("10.0.0.1", "a/8", false),
        ("fe80::1%eth0", "fe80::/10", true),
    ])
    func `an address is in a network or not`(address: String, network: String, isIn: Bool) throws {
        #expect(try #require(IPAddress(address)).isIn(network: network) == isIn)
    }

    @Test(arguments: [
        ("", 0), ("3", 3), ("9, 1", 9), ("1,9", 9), ("2, x", 2), ("x", 0), ("-3", 0), ("300", 255),
        ("99999999999999999999", 255), (" 4 ", 4), (",,", 0),
    ])
    func `of several numbers of collectors the largest counts`(text: String, hops: Int) throws {
        var fields = HTTPFields()
        fields[try #require(HTTPField.Name(HopLimit.fieldName))] = text
        #expect(HopLimit.hops(of: fields) == hops)
    }

    @Test func `fields with numbers of collectors count together`() throws {
        let name = try #require(HTTPField.Name(HopLimit.fieldName))
        let fields = HTTPFields([HTTPField(name: name, value: "1"), HTTPField(name: name, value: "9")])
        #expect(HopLimit.hops(of: fields) == 9)
    }

    @Test(arguments: ["otlp", "otlp/second", "OTLP2", "a_b/c d"])
    func `component ids`(text: String) {
        #expect((ComponentID(text) == nil) == text.contains(" "))
        if let id = ComponentID(text) { #expect(id.description == text) }
    }

    @Test(arguments: ["", "/x", "otlp/", "9lives", "a-b", "a/\u{7}"])
    func `no component ids`(text: String) {
        #expect(ComponentID(text) == nil)
    }
}

/// Addresses as clients encode them.
struct PercentEncodingTests {
    @Test func `a query is pairs`() {
        #expect(PercentEncoding.query("a=1&b=x%20y+z&a=2&c&=d") == ["a": "2", "b": "x y z", "c": "", "": "d"])
    }

    @Test(arguments: [("%41", "A"), ("%4", "%4"), ("%zz", "%zz"), ("a+b", "a+b"), ("%C3%A4", "ä"), ("%ff", "\u{FFFD}")])
    func `decoding`(text: String, expected: String) {
        #expect(PercentEncoding.decode(text) == expected)
    }

    @Test func `encoding and decoding agree`() {
        let text = "a/b c?d=%&ä\u{0}"
        #expect(PercentEncoding.decode(PercentEncoding.encode(text)) == text)
    }
}
