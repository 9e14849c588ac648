// SPDX-License-Identifier: Apache-2.0

/// How long a listener waits for the clients of a component, and whether they may keep their connections.
///
/// A time that is nil leaves the listener's own limit in force. Components on one endpoint share its connections, so there the longest of
/// their times holds, and a connection is kept only if all of them keep it.
public struct ConnectionTerms: Sendable, Hashable {
    /// How long the head of a request may take from its first byte on.
    public var headTime: Duration?
    /// How long the body of a request may take in all, pauses included.
    public var bodyTime: Duration?
    /// How many bytes a second a body must bring on average once its first 20 seconds are over; 0 for no least rate.
    public var leastBodyRate: Int?
    /// How long an answer may take to be read.
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

    /// Creates the terms of a component that has no wishes.
    public init() {}

    /// The terms that suit two components on one endpoint.
    public func merged(with other: ConnectionTerms) -> ConnectionTerms {
        var terms = ConnectionTerms()
        terms.headTime = Self.longer(headTime, other.headTime)
        terms.bodyTime = Self.longer(bodyTime, other.bodyTime)
        // The lowest rate is the most patient one.
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
