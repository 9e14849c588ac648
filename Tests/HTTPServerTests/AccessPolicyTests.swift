// SPDX-License-Identifier: Apache-2.0

import NIOCore
import Testing

@testable import HTTPServer

/// The rules on hosts and on wrong keys, as values.
struct AccessPolicyTests {
    @Test(arguments: [
        ("localhost", true), ("localhost:4318", true), ("localhost:9999", true), ("LOCALHOST:4318", true),
        ("127.0.0.1", true), ("127.0.0.1:4318", true), ("127.9.8.7:4318", true), ("[::1]:4318", true), ("[::1]", true),
        ("127.0.0.1:9999", false), ("[::1]:9999", false), ("evil.example", false), ("evil.example:4318", false),
        ("localhost.evil.example", false), ("127.0.0.1.evil.example:4318", false), ("192.168.1.2:4318", false),
        ("0.0.0.0:4318", false), ("", false), ("localhost:", false), ("localhost:x", false),
        ("localhost:+80", false), ("127.0.0.1:+4318", false), ("127.0.0.+1:4318", false), ("127.0.0.01:4318", false),
        ("127.1:4318", false), ("[127.0.0.1]:4318", false), ("[localhost]:4318", false), ("::1:4318", false),
        ("[::ffff:127.0.0.1]:4318", false), ("user@127.0.0.1:4318", false), ("127.0.0.1:4318@evil.example", false),
        ("localhost.:4318", false), ("127.0.0.1:04318", true),
    ])
    func `without keys a request must name this machine`(host: String, isLocal: Bool) {
        #expect(LocalRule(port: 4_318).isLocal(host) == isLocal)
    }

    @Test func `wrong keys take longer and longer, to a bound, and are forgotten`() {
        let failures = KeyFailures()
        let start = NIODeadline.uptimeNanoseconds(1_000_000_000_000)
        let delays = (0..<14).map { _ in failures.note("10.0.0.1", at: start) }
        #expect(delays.prefix(5).allSatisfy { $0 == .zero })
        #expect(delays[5] == .milliseconds(250))
        #expect(delays[6] == .milliseconds(500))
        #expect(delays[9...].allSatisfy { $0 == .seconds(4) })
        #expect(failures.note("10.0.0.2", at: start) == .zero)
        #expect(failures.note("10.0.0.1", at: start + .minutes(11)) == .zero)
        // A client has many addresses of one network.
        for _ in 0..<6 { _ = failures.note("2001:db8:0:1:aaaa:bbbb:cccc:1", at: start) }
        #expect(failures.note("2001:db8:0:1:1:2:3:4", at: start) > .zero)
    }

    @Test func `many addresses do not take up more and more memory`() {
        let failures = KeyFailures()
        for number in 0..<20_000 { _ = failures.note("\(number)", at: .now()) }
        #expect(failures.count <= 4_096)
    }
}
