// SPDX-License-Identifier: Apache-2.0

package import CollectorKit
import NIOCore

/// What one listener lets its clients take up: connections, memory and time.
package struct ListenerLimits: Sendable {
    /// How many connections may be open at once; one more is told to come back.
    var connections = 1_024
    /// The longest head of a request: its target and all names and values of its fields, in bytes.
    var headBytes = 32 << 10
    /// The most fields of one request, those after its body included.
    var headFields = 100
    /// Bodies of at most this many bytes are waited for before a request is handled, which begins on the event loop then.
    ///
    /// To index so many takes a tenth of a millisecond, as long as the changes of thread that are saved.
    var smallBody = 256 << 10
    /// How long a connection may be open without another request.
    var idleTime = TimeAmount.seconds(120)
    /// How long the head of a request may take from its first byte on; how long a new connection may take to encrypt, and to begin.
    var headTime = TimeAmount.seconds(10)
    /// How long a client may pause within a body that is waited for.
    var bodyPause = TimeAmount.seconds(30)
    /// How long a body may take in all.
    var bodyTime = TimeAmount.seconds(600)
    /// How many bytes a second a body must bring on average; 0 for no least rate.
    ///
    /// As Apache's mod_reqtimeout has it (`body=20,MinRate=500`): who sends slower than that mostly means to hold memory.
    var bodyRate = 500
    /// After how long the average counts.
    var bodyGrace = TimeAmount.seconds(20)
    /// How long an answer may take to be read.
    var answerTime = TimeAmount.seconds(60)
    /// How long what a client still sends is read and thrown away after an answer that ends the connection.
    ///
    /// To close with unread data would reset the connection, and the client might never see the answer (RFC 9112 §9.6).
    var lingerTime = TimeAmount.seconds(2)
    /// How long a client may let a connection wait once the listener drains: for its request, or to read an answer.
    var drainTime = TimeAmount.seconds(2)
    /// Whether a connection may serve more than one request.
    var keepsAlive = true
}

extension ListenerLimits {
    /// The limits with what components ask for.
    package init(_ terms: ConnectionTerms) {
        self.init()
        keepsAlive = terms.keepsAlive
        if let time = terms.headTime { headTime = TimeAmount(time) }
        if let time = terms.answerTime { answerTime = TimeAmount(time) }
        if let rate = terms.leastBodyRate { bodyRate = rate }
        if let time = terms.idleTime { idleTime = TimeAmount(time) }
        if let time = terms.bodyTime {
            bodyTime = TimeAmount(time)
            // Whoever grants a body so much time leaves it to the client how to use it.
            bodyPause = bodyTime
        }
    }

    /// The limits of a listener that drains: a client that lets it wait does not hold up the end.
    var draining: ListenerLimits {
        var limits = self
        limits.answerTime = min(answerTime, drainTime)
        limits.bodyPause = min(bodyPause, drainTime)
        return limits
    }
}
