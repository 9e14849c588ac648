// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import Testing

@testable import OTLPReceiver

/// Names of this machine that senders may use without a key.
@Suite struct HostPolicyTests {
    @Test(arguments: [
        ("host.docker.internal:4318", true), ("HOST.docker.internal", true), ("host.containers.internal:1", true),
        ("localhost.:4318", true), ("app.localhost:4318", true), ("a.b.localhost", true), (".localhost", false),
        ("localhost.localdomain", true), ("ip6-localhost:4318", true), ("evil.example", false), ("", false),
        ("host.docker.internal.evil.example", false), ("xlocalhost", false), ("hub.corp:4318", true),
        ("hub.corp.", true), ("a.hub.corp", false), ("a.team.corp", true), ("team.corp", false),
        ("hub.corp:", false), ("hub.corp:x", false), ("user@hub.corp", false), ("[::1]:4318", false),
    ])
    func `a name is taken with any port`(host: String, isAllowed: Bool) {
        #expect(HostPolicy(["Hub.corp", "*.team.corp"]).allows(host) == isAllowed)
    }

    @Test(arguments: [
        ("hub.corp", true), ("*.corp", true), ("*", false), ("", false), ("hub:4318", false), ("http://hub", false),
        ("a.*.corp", false), ("hub/", false), ("a b", false),
    ])
    func `the configuration names machines and nothing else`(name: String, isName: Bool) {
        var config = OTLPConfig()
        config.protocols.http?.allowedHosts = [name]
        var findings = ConfigFindings()
        config.validate(&findings)
        #expect(findings.items.map(\.code) == (isName ? [] : ["host"]))
    }
}
