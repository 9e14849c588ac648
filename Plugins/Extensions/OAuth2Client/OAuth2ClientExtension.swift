// SPDX-License-Identifier: Apache-2.0

import AsyncHTTPClient
import ClientTLS
public import CollectorKit
import Files
import FoundationEssentials
import NIOCore
import NIOHTTP1
import NIOSSL
import OTLP
import Synchronization
import Usage

/// Shows destinations a token that it obtains by client credentials (RFC 6749 §4.4) and replaces before it ends.
final class OAuth2ClientExtension: Extension, ClientCredentials {
    private let config: OAuth2ClientConfig
    private let settings: ComponentSettings
    private let running = Mutex<AccessTokens?>(nil)

    init(_ config: OAuth2ClientConfig, _ settings: ComponentSettings) {
        (self.config, self.settings) = (config, settings)
    }

    /// Obtains nothing yet: a server that cannot be reached now must not keep the collector from taking data in.
    func start() async throws(StartError) {
        let server = AuthorizationServer(
            config,
            settings.id,
            client: HTTPClient(configuration: try clientConfiguration)
        )
        running.withLock { $0 = AccessTokens(server, buffer: config.expiryBuffer.nanoseconds, now: settings.now) }
        settings.shared.provide(self, of: settings.id)
    }

    func shutdown() async {
        settings.shared.withdraw(self, of: settings.id)
        let former = running.withLock { running in
            defer { running = nil }
            return running
        }
        await former?.shutdown()
    }

    private var clientConfiguration: HTTPClient.Configuration {
        get throws(StartError) {
            // A redirection would carry the password elsewhere.
            var client = HTTPClient.Configuration(redirectConfiguration: .disallow)
            client.httpVersion = .http1Only
            do {
                client.tlsConfiguration = try TLSConfiguration(config.tls)
            } catch {
                throw StartError(.configuration, "\(settings.id): the files of tls cannot be used: \(error)")
            }
            if let (name, host) = config.nameOverride { client.dnsOverride[name] = host }
            return client
        }
    }

    func headerFields() async throws(ClientCredentialsError) -> [(name: String, value: Secret)] {
        guard let tokens = running.withLock({ $0 }) else {
            throw ClientCredentialsError("\(settings.id) is not running")
        }
        return [("Authorization", Secret("Bearer \(try await tokens.current().value)"))]
    }

    func wereRefused() async { await running.withLock { $0 }?.forget() }
}

/// The token in force; one request at a time obtains the next.
actor AccessTokens {
    private let server: AuthorizationServer
    private let buffer: Int64
    private let now: @Sendable () -> Timestamp
    private var token: Token?
    private var pending: Task<Result<Token, ClientCredentialsError>, Never>?

    /// A token and how long it is good.
    struct Token: Sendable {
        let text: Secret
        /// When it ends, and when another one is obtained; nil for one that has no end.
        let ends: Timestamp?
        let replaced: Timestamp?
    }

    init(_ server: AuthorizationServer, buffer: Int64, now: @escaping @Sendable () -> Timestamp) {
        (self.server, self.buffer, self.now) = (server, buffer, now)
    }

    /// A token that is good; while none can be had, the old one as long as it has not ended.
    func current() async throws(ClientCredentialsError) -> Secret {
        if let token, token.replaced.map({ now() < $0 }) ?? true { return token.text }
        let task = pending ?? Task { [server, buffer, now] in await server.token(buffer: buffer, now: now) }
        pending = task
        let result = await task.value
        pending = nil
        switch result {
        case .success(let fresh):
            token = fresh
            return fresh.text
        case .failure(let error):
            if let token, let ends = token.ends, now() < ends { return token.text }
            throw error
        }
    }

    /// The destination did not take the token.
    func forget() { token = nil }

    func shutdown() async {
        _ = await pending?.value
        await server.shutdown()
    }
}

/// Where tokens are obtained.
final class AuthorizationServer: Sendable {
    private let config: OAuth2ClientConfig
    private let id: ComponentID
    private let client: HTTPClient
    /// Whether it wants the password in the body; by the specification it takes it in the header field (RFC 6749 §2.3.1), but not every
    /// server keeps to that.
    private let wantsBody = Mutex(false)

    private static let largestAnswer = 1 << 20

    init(_ config: OAuth2ClientConfig, _ id: ComponentID, client: HTTPClient) {
        (self.config, self.id, self.client) = (config, id, client)
    }

    func shutdown() async { try? await client.shutdown() }

    /// What a server answers (RFC 6749 §5.1 and §5.2).
    private struct Answer: Decodable {
        var token: String?
        var seconds: Double?
        var error: String?

        enum CodingKeys: String, CodingKey {
            case error
            case token = "access_token"
            case seconds = "expires_in"
        }

        init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: CodingKeys.self)
            token = try? container.decodeIfPresent(String.self, forKey: .token)
            error = try? container.decodeIfPresent(String.self, forKey: .error)
            // Some servers write the number as a text.
            let text = (try? container.decodeIfPresent(String.self, forKey: .seconds)).flatMap { Double($0) }
            seconds = (try? container.decodeIfPresent(Double.self, forKey: .seconds)) ?? text
        }
    }

    /// Asks for a token.
    ///
    /// - Parameter buffer: How many nanoseconds before its end it is to be replaced.
    func token(buffer: Int64, now: @Sendable () -> Timestamp) async -> Result<
        AccessTokens.Token, ClientCredentialsError
    > {
        do throws(ClientCredentialsError) {
            let inBody = wantsBody.withLock { $0 }
            var (status, answer) = try await ask(inBody: inBody)
            if [400, 401].contains(status), answer?.token == nil {
                let other = try await ask(inBody: !inBody)
                if other.answer?.token != nil {
                    wantsBody.withLock { $0 = !inBody }
                    (status, answer) = other
                }
            }
            guard (200..<300).contains(status), let text = answer?.token, Self.isToken(text) else {
                let error = (answer?.error ?? "").prefix(80).filter { $0.isASCII && !$0.isNewline }
                throw failure(
                    "the authorization server answered \(status)\(error.isEmpty ? " without a token" : ": \(error)")"
                )
            }
            let start = now()
            guard let seconds = answer?.seconds, seconds > 0 else {
                return .success(AccessTokens.Token(text: Secret(text), ends: nil, replaced: nil))
            }
            let life = Int64(min(seconds, 315_360_000) * 1e9)
            return .success(
                AccessTokens.Token(
                    text: Secret(text),
                    ends: Timestamp(nanoseconds: start.nanoseconds + life),
                    replaced: Timestamp(nanoseconds: start.nanoseconds + life - min(buffer, life / 2))
                )
            )
        } catch {
            return .failure(error)
        }
    }

    private static func isToken(_ text: String) -> Bool { !text.isEmpty && text.utf8.allSatisfy { 33...126 ~= $0 } }

    private func failure(_ reason: String) -> ClientCredentialsError { ClientCredentialsError("\(id): \(reason)") }

    private func ask(inBody: Bool) async throws(ClientCredentialsError) -> (status: Int, answer: Answer?) {
        let name: String
        let password: String
        do throws(FileError) {
            name = config.clientIDFile.isEmpty ? config.clientID : try SecretFile(config.clientIDFile.path).text()
            password =
                config.clientSecretFile.isEmpty
                ? config.clientSecret.value : try SecretFile(config.clientSecretFile.path).text()
        } catch {
            throw failure("\(error)")
        }
        var form = [("grant_type", "client_credentials")]
        if !config.scopes.isEmpty { form.append(("scope", config.scopes.joined(separator: " "))) }
        for (key, values) in config.endpointParams.sorted(by: { $0.key < $1.key }) { form += values.map { (key, $0) } }
        var request = HTTPClientRequest(url: config.requestURL)
        request.method = .POST
        request.headers.add(name: "Content-Type", value: "application/x-www-form-urlencoded")
        request.headers.add(name: "Accept", value: "application/json")
        if inBody {
            form += [("client_id", name), ("client_secret", password)]
        } else {
            let pair = "\(PercentEncoding.encode(name)):\(PercentEncoding.encode(password))"
            request.headers.add(name: "Authorization", value: "Basic \(Data(pair.utf8).base64EncodedString())")
        }
        let body = form.map { "\(PercentEncoding.encode($0))=\(PercentEncoding.encode($1))" }.joined(separator: "&")
        request.body = .bytes(ByteBuffer(string: body))
        do {
            let response = try await client.execute(request, timeout: .nanoseconds(config.timeout.nanoseconds))
            let bytes = try await response.body.collect(upTo: Self.largestAnswer)
            let answer = try? JSONDecoder().decode(Answer.self, from: Data(bytes.readableBytesView))
            return (Int(response.status.code), answer)
        } catch {
            throw failure("the authorization server does not answer")
        }
    }
}

extension ComponentFactory {
    /// Shows destinations a token that it obtains by client credentials.
    public static let oauth2Client = ComponentFactory.extension(
        "oauth2client",
        OAuth2ClientConfig.self,
        isClientAuthenticator: true,
        summary: "shows the destination of an exporter a token that it obtains by OAuth 2.0 client credentials"
    ) { config, settings, _ in OAuth2ClientExtension(config, settings) }
}
