// SPDX-License-Identifier: Apache-2.0

/// A component's time limits for its clients' connections, and whether connections are kept open.
///
/// A nil time means the listener's own limit. Components on one endpoint share its connections, so that the longest of their limits
/// applies, and a connection is kept open only if all of them allow it.
public struct ConnectionTerms: Sendable, Hashable {
    /// The time limit for the head of a request from its first byte.
    public var headTime: Duration?
    /// The time limit for the whole body of a request, including pauses.
    public var bodyTime: Duration?
    /// The least average rate of a body in bytes a second after its first 20 seconds; 0 for no limit.
    public var leastBodyRate: Int?
    /// The time limit for a client to read an answer.
    public var answerTime: Duration?
    /// How long a connection may be open without a request.
    public var idleTime: Duration?
    /// How many requests a connection of HTTP/2 may have under way at once.
    public var streams: Int?
    /// How long a connection of HTTP/2 may be open; its end is announced, and its requests are answered.
    public var connectionAge: Duration?
    /// How long after that its requests may take before it is closed.
    public var connectionGrace: Duration?
    /// After how long without a frame the client of a connection of HTTP/2 is asked whether it is there.
    public var pingInterval: Duration?
    /// How long it may take to answer that.
    public var pingTimeout: Duration?
    /// Whether a connection may serve another request.
    public var keepsAlive = true

    /// Creates terms without limits of their own.
    public init() {}

    /// The terms for two components on one endpoint.
    public func merged(with other: ConnectionTerms) -> ConnectionTerms {
        var terms = ConnectionTerms()
        terms.headTime = Self.longer(headTime, other.headTime)
        terms.bodyTime = Self.longer(bodyTime, other.bodyTime)
        // The lowest rate allows the most time.
        terms.leastBodyRate = [leastBodyRate, other.leastBodyRate].compactMap(\.self).min()
        terms.answerTime = Self.longer(answerTime, other.answerTime)
        terms.idleTime = Self.longer(idleTime, other.idleTime)
        terms.streams = [streams, other.streams].compactMap(\.self).max()
        terms.connectionAge = Self.longer(connectionAge, other.connectionAge)
        terms.connectionGrace = Self.longer(connectionGrace, other.connectionGrace)
        terms.pingInterval = Self.longer(pingInterval, other.pingInterval)
        terms.pingTimeout = Self.longer(pingTimeout, other.pingTimeout)
        terms.keepsAlive = keepsAlive && other.keepsAlive
        return terms
    }

    private static func longer(_ first: Duration?, _ second: Duration?) -> Duration? {
        [first, second].compactMap(\.self).max()
    }
}
