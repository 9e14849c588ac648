// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import NIOCore
import Testing

@testable import HTTPServer

/// The limits of a listener, combined with the settings of components.
struct ListenerLimitsTests {
    @Test func `without wishes the listener's limits stay`() {
        let (usual, limits) = (ListenerLimits(), ListenerLimits(ConnectionTerms()))
        #expect(limits.headTime == usual.headTime)
        #expect(limits.bodyTime == usual.bodyTime)
        #expect(limits.bodyPause == usual.bodyPause)
        #expect(limits.answerTime == usual.answerTime)
        #expect(limits.idleTime == usual.idleTime)
        #expect(limits.keepsAlive)
    }

    @Test func `a wish replaces the listener's limit`() {
        var terms = ConnectionTerms()
        (terms.headTime, terms.bodyTime) = (.seconds(1), .seconds(1_000))
        (terms.answerTime, terms.idleTime) = (.seconds(3), .milliseconds(4))
        let limits = ListenerLimits(terms)
        #expect(limits.headTime == .seconds(1))
        #expect(limits.bodyTime == .seconds(1_000))
        #expect(limits.bodyPause == .seconds(1_000))
        #expect(limits.answerTime == .seconds(3))
        #expect(limits.idleTime == .milliseconds(4))
    }
}
