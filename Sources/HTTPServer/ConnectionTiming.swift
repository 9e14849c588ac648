// SPDX-License-Identifier: Apache-2.0

import NIOCore

/// What a connection waits for, and until when.
///
/// One timer serves all waits: it is only ever moved forward, and looks when it fires whether there is still something to wait for. So a
/// request that is answered in time costs no timer.
struct ConnectionTiming {
    /// What is waited for.
    enum Reason {
        /// The next request.
        case request
        /// The rest of a head.
        case head
        /// More of a body.
        case body
        /// That an answer is read.
        case reader
        /// That the client stops sending after the last answer.
        case rest
    }

    private(set) var reason: Reason?
    private(set) var deadline = NIODeadline.distantFuture
    private var timer: Scheduled<Void>?
    private var firing = NIODeadline.distantFuture

    /// Waits for something; returns when the timer has to be set, if it has to.
    mutating func wait(for reason: Reason, by deadline: NIODeadline) -> NIODeadline? {
        self.reason = reason
        self.deadline = deadline
        return firing <= deadline ? nil : deadline
    }

    mutating func set(_ timer: Scheduled<Void>, firing: NIODeadline) {
        self.timer?.cancel()
        self.timer = timer
        self.firing = firing
    }

    /// Tells what was waited for in vain when the timer has fired, or when to set it again.
    mutating func fire(at now: NIODeadline) -> (expired: Reason?, next: NIODeadline?) {
        timer = nil
        firing = .distantFuture
        guard let reason else { return (nil, nil) }
        guard deadline <= now else { return (nil, deadline) }
        self.reason = nil
        return (reason, nil)
    }

    /// Waits for nothing.
    mutating func stop() { reason = nil }

    /// Waits for nothing any more.
    mutating func end() {
        reason = nil
        timer?.cancel()
        timer = nil
    }
}

extension ConnectionHandler {
    func expect(_ reason: ConnectionTiming.Reason, within time: TimeAmount) { expect(reason, by: .now() + time) }

    func expect(_ reason: ConnectionTiming.Reason, by deadline: NIODeadline) {
        if let firing = timing.wait(for: reason, by: deadline) { setTimer(firing) }
    }

    /// Whoever opens a connection has something to say: it has as long for that, and for the key before it, as for the head of a request.
    func expectFirst() { expect(.request, within: min(limits.headTime, limits.idleTime)) }

    private func setTimer(_ firing: NIODeadline) {
        guard let eventLoop = context?.eventLoop else { return }
        let timer = eventLoop.assumeIsolated().scheduleTask(deadline: firing) { self.timerFired() }
        timing.set(timer, firing: firing)
    }

    private func timerFired() {
        let (expired, next) = timing.fire(at: .now())
        if let next { setTimer(next) }
        switch expired {
        case .head: refuse(.slowHead)
        case .body: refuse(.slowBody)
        // Without a key there is nobody to say farewell to.
        case .request where isEncrypting: cutOff()
        case .request: close()
        case .reader, .rest: cutOff()
        case nil: break
        }
    }
}
