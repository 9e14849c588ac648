// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import OTLP

@Suite struct AttributeKeyTests {
    @Test func `every key has one name and is found by it`() {
        #expect(AttributeKey.all.count == AttributeKey.allCases.count - 1)
        #expect(Set(AttributeKey.all.map(\.name)).count == AttributeKey.all.count)
        for key in AttributeKey.all {
            #expect(AttributeKey(name: key.name) == key)
        }
        #expect(AttributeKey.unknown.name.isEmpty)
    }

    @Test(arguments: [
        (AttributeKey.serviceName, "service.name"), (.toolName, "tool.name"), (.toolNameFlat, "tool_name"),
        (.genAIUsageCacheReadInputTokens, "gen_ai.usage.cache_read.input_tokens"),
        (.genAIUsageCacheReadInputTokensFlat, "gen_ai.usage.cache_read_input_tokens"), (.sessionID, "session.id"),
        (.type, "type"), (.env, "env"), (.genAITokenType, "gen_ai.token.type"), (.costUSDMicros, "cost_usd_micros"),
        (.litellmCacheHit, "litellm.cache_hit"),
    ])
    func `cases are named after their keys`(_ key: AttributeKey, _ name: String) {
        #expect(key.name == name)
    }

    /// The name of a case follows from the name of its key, so that the two lists cannot differ.
    @Test func `the case of every key spells its name`() {
        for key in AttributeKey.all {
            let label = String(describing: key).lowercased()
            let name = key.name.lowercased().filter { $0 != "." && $0 != "_" }
            #expect(label == name || label == name + "flat", "\(label) \(name)")
        }
    }

    @Test(arguments: ["", "x", "service.nam", "service.names", "Service.name", "gen_ai.usage.input_token", "tokens"])
    func `other names are no known keys`(_ name: String) {
        #expect(AttributeKey(name: name) == nil)
    }

    @Test func `keys are recognised while indexing`() throws {
        for key in AttributeKey.all {
            let bytes = request { $0.attribute(6, key.name, 1) }
            let batch = try OTLPBatch(signal: .logs, protobuf: bytes)
            #expect(batch.attributes.map(\.keyID) == [key])
            #expect(batch.attribute(key, record: 0) == .int(1))
        }
        let unknown = try OTLPBatch(signal: .logs, protobuf: request { $0.attribute(6, "my.key", 1) })
        #expect(unknown.attributes.map(\.keyID) == [.unknown])
        #expect(unknown.attribute("my.key", of: .record(0)) == .int(1))
        #expect(unknown.attribute("my.other", of: .record(0)) == nil)
    }
}
