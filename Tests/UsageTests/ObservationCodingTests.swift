// SPDX-License-Identifier: Apache-2.0

import Testing
import Usage

/// The compact form in which stores keep observations.
struct ObservationCodingTests {
    private static let full: Observation = {
        var observation = Observation(
            id: .max,
            time: Timestamp(nanoseconds: -5),
            source: .rollout,
            emitter: 3,
            priority: 255
        )
        (observation.keys.request, observation.keys.response, observation.keys.lineage) = (1, .max, 3)
        observation.trace.span = 9
        for ancestor in [UInt64(4), 3, .max, 1] { observation.trace.ancestors.insert(ancestor) }
        observation.trace.isRollUp = true
        (observation.blockingKey, observation.weakWindow) = (77, -1)
        (observation.trace.kind, observation.intervalKey, observation.isSideChain) = (44, 55, true)
        observation.keys.answer = 66
        observation.origin.value.userIsShared = true
        observation.origin.value.sessionIsFork = true
        (observation.session, observation.sessionIsTrace) = ("sitzung-ü-🙂", true)
        (observation.agent, observation.provider, observation.model) = ("", "anthropic", "claude")
        (observation.user, observation.project, observation.machine) = ("ann", nil, "box")
        observation.counts = TokenCounts(
            uncachedInput: .max,
            cacheRead: 0,
            cacheWrite5m: -1,
            cacheWrite1h: 300,
            output: 128,
            reasoning: 127
        )
        observation.knowsCacheLifetimes = true
        observation.reportedCost = Money(nanodollars: -12)
        (observation.terms.isFast, observation.terms.serviceTier, observation.terms.geography) = (true, "flex", "us")
        observation.terms.webSearches = 2
        (observation.duration, observation.error) = (.max, "overloaded")
        return observation
    }()

    @Test func `every field that is written is read back`() throws {
        let plain = Observation(id: 1, time: Timestamp(nanoseconds: 0), source: .otlpLog, emitter: 0, priority: 0)
        let all = [Self.full, plain, Self.full]
        #expect([Observation](encoded: all.encoded) == all)
        #expect([Observation](encoded: []) == [])
        #expect([plain].encoded.count < 80)
    }

    @Test func `bytes that are cut off or of another form are no observations`() {
        let bytes = [Self.full].encoded
        for length in 1..<bytes.count { #expect([Observation](encoded: Array(bytes.prefix(length))) == nil) }
        #expect([Observation](encoded: [3] + bytes.dropFirst()) == nil)
    }

    @Test func `what version 0.1.0 wrote is still read`() throws {
        var known = Self.full
        (known.trace.kind, known.intervalKey, known.isSideChain) = (0, 0, false)
        known.keys.answer = 0
        known.origin.value.sessionIsFork = false
        var former = [known].encoded
        former[0] = 1
        // Form 1 has no kind of span and no key of an interval: three bytes of zero behind the four ancestors.
        let links = 1 + 8 + 8 + 3 + 8 + 9 * 4 + 1 + 9 + 1 + 8 * 4
        #expect(former[links..<links + 3].elementsEqual([0, 0, 0]))
        former.removeSubrange(links..<links + 3)
        #expect([Observation](encoded: former) == [known])
    }

    @Test func `no single byte can make reading fail otherwise than by saying so`() {
        let bytes = [Self.full].encoded
        for position in bytes.indices {
            for value in [0, 0x7F, 0x80, 0xFF] as [UInt8] {
                var damaged = bytes
                damaged[position] = value
                #expect(([Observation](encoded: damaged)?.count ?? 1) >= 1)
            }
        }
    }
}
