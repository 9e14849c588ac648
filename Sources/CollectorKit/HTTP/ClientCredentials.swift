// SPDX-License-Identifier: Apache-2.0

public import YAML

/// What an extension gives exporters to show who the collector is: `auth: { authenticator: ID }` of an exporter names it.
///
/// It offers itself with ``SharedParts/provide(_:of:)`` when it starts and withdraws itself when it shuts down, so that an exporter always
/// finds the one of the configuration in force. Is asked with every request, from many tasks at once.
public protocol ClientCredentials: AnyObject, Sendable {
    /// Header fields for a request; they are obtained first where that is necessary.
    ///
    /// - Throws: ``ClientCredentialsError`` when there are none now; the request is sent later then, and nothing is lost.
    func headerFields() async throws(ClientCredentialsError) -> [(name: String, value: Secret)]
    /// The destination did not accept the last ones, so that what is remembered of them is of no use.
    func wereRefused() async
}

/// Why there are no credentials now, in words without secrets.
public struct ClientCredentialsError: Error, Sendable, CustomStringConvertible {
    /// What is missing, and why.
    public let description: String

    /// Creates an error.
    public init(_ description: String) { self.description = description }
}
