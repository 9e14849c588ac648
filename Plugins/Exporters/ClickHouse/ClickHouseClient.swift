// SPDX-License-Identifier: Apache-2.0

import AsyncHTTPClient
import ClientTLS
import CollectorKit
import NIOCore
import NIOHTTP1
import NIOSSL
import SendingQueue
import Usage

/// Why ClickHouse did not do what it was asked.
struct ClickHouseError: Error, CustomStringConvertible {
    /// What is wrong, without secrets.
    let description: String
    /// ClickHouse's number for it; nil when it gave no answer.
    var code: Int?
    /// How long to wait, as the server asks.
    var delay: Duration?
    /// Whether the same request will never be taken.
    var isPermanent = false
    /// Whether the request is too large.
    var isTooLarge = false
    /// Whether the collector is stopping.
    var isCancelled = false

    /// Whether a table or the database is missing (`UNKNOWN_TABLE`, `UNKNOWN_DATABASE`).
    var isMissingTable: Bool { code == 60 || code == 81 }
}

/// Sends statements to ClickHouse over its HTTP interface.
///
/// Safe to use from many tasks.
struct ClickHouseClient: Sendable {
    private let config: ClickHouseConfig
    private let client: HTTPClient
    private let address: ServerAddress
    private let version: String
    private let now: @Sendable () -> Timestamp

    /// The largest part of an answer that is read.
    private static let largestAnswer = 1 << 20

    /// Numbers of errors that lie in the rows themselves: another attempt cannot succeed (ErrorCodes.cpp of ClickHouse).
    private static let ofRows: Set<Int> = [6, 26, 27, 33, 38, 41, 53, 69, 70, 72, 117, 131, 349]

    /// Reads the files of `tls`; opens no connection.
    init(_ config: ClickHouseConfig, _ id: ComponentID, version: String, now: @escaping @Sendable () -> Timestamp)
        throws(StartError)
    {
        guard let address = config.address else {
            throw StartError(.configuration, "\(id): the endpoint is no address of an HTTP server")
        }
        (self.config, self.address, self.version, self.now) = (config, address, version, now)
        var configuration = HTTPClient.Configuration(redirectConfiguration: .disallow)
        let timeout = TimeAmount.nanoseconds(config.timeout.nanoseconds)
        configuration.timeout = HTTPClient.Configuration.Timeout(connect: min(timeout, .seconds(10)), read: timeout)
        configuration.connectionPool.retryConnectionEstablishment = false
        configuration.httpVersion = .http1Only
        do {
            configuration.tlsConfiguration = try TLSConfiguration(config.tls)
        } catch {
            throw StartError(.configuration, "\(id): the files of tls cannot be used: \(error)")
        }
        let name = config.tls.serverNameOverride
        if !name.isEmpty { configuration.dnsOverride[name] = address.host }
        client = HTTPClient(configuration: configuration)
    }

    func shutdown() async { try? await client.shutdown() }

    /// Runs a statement and returns its answer.
    func run(_ statement: String) async throws(ClickHouseError) -> String {
        try await post([], [], body: Array(statement.utf8), isCompressed: false)
    }

    /// Inserts rows in the format `RowBinary`; ClickHouse inserts all of them or none, and the same token once.
    func insert(_ rows: [UInt8], into table: String, columns: [String], token: String) async throws(ClickHouseError) {
        let statement = "INSERT INTO \(table) (\(columns.joined(separator: ", "))) FORMAT RowBinary"
        let settings = [
            ("async_insert", "0"), ("insert_deduplicate", "1"), ("insert_deduplication_token", token),
            ("deduplicate_blocks_in_dependent_materialized_views", "1"), ("wait_end_of_query", "1"),
        ]
        _ = try await post([("query", statement)], settings, body: rows, isCompressed: config.compression != .none)
    }

    private func post(
        _ parameters: [(String, String)],
        _ settings: [(String, String)],
        body: [UInt8],
        isCompressed: Bool
    ) async throws(ClickHouseError) -> String {
        var request = HTTPClientRequest(url: url(parameters + settings))
        request.method = .POST
        request.headers.add(name: "User-Agent", value: "hammurabi/\(version)")
        if !config.tls.serverNameOverride.isEmpty {
            request.headers.add(name: "Host", value: "\(address.host):\(address.port)")
        }
        if !config.username.isEmpty { request.headers.add(name: "X-ClickHouse-User", value: config.username) }
        if !config.password.isEmpty { request.headers.add(name: "X-ClickHouse-Key", value: config.password.value) }
        if isCompressed { request.headers.add(name: "Content-Encoding", value: config.compression.rawValue) }
        do {
            request.body = .bytes(ByteBuffer(bytes: isCompressed ? try compressed(body) : body))
            let timeout = TimeAmount.nanoseconds(config.timeout.nanoseconds)
            let response = try await client.execute(request, timeout: timeout)
            let answer = try await response.body.collect(upTo: Self.largestAnswer)
            return try checked(response, String(buffer: answer))
        } catch let error as ClickHouseError {
            throw error
        } catch {
            if Task.isCancelled || error is CancellationError {
                throw ClickHouseError(description: "the collector is stopping", isCancelled: true)
            }
            throw ClickHouseError(description: "\(address.host):\(address.port): \(Self.reason(error))")
        }
    }

    private func url(_ parameters: [(String, String)]) -> String {
        let name = config.tls.serverNameOverride
        let base =
            name.isEmpty ? address.text : "\(address.isEncrypted ? "https" : "http")://\(name):\(address.port)"
        let pairs = parameters.map { "\($0)=\(PercentEncoding.encode($1))" }
        return base + "/" + (pairs.isEmpty ? "" : "?" + pairs.joined(separator: "&"))
    }

    private func compressed(_ body: [UInt8]) throws -> [UInt8] {
        switch config.compression {
        case .zstd: try Zstandard.deflate(body, level: 1)
        case .gzip: try Gzip.deflate(body, level: 1)
        case .none: body
        }
    }

    private func checked(_ response: HTTPClientResponse, _ answer: String) throws(ClickHouseError) -> String {
        let code = response.headers.first(name: "X-ClickHouse-Exception-Code").flatMap { Int($0) }
        guard response.status.code != 200 || code != nil else { return answer }
        let said = shown(answer)
        let reason = "ClickHouse answered \(response.status.code)" + (said.isEmpty ? "" : ": \(said)")
        let delay = response.headers.first(name: "Retry-After").flatMap { RetryAfter.wait($0, now: now()) }
        throw ClickHouseError(
            description: reason,
            code: code,
            delay: delay,
            isPermanent: code.map(Self.ofRows.contains) ?? false,
            isTooLarge: response.status.code == 413
        )
    }

    /// A foreign text for a log: short, on one line, without the password.
    private func shown(_ text: String) -> String {
        var text = String(text.prefix(2_000))
        if config.password.value.count >= 4 {
            text = text.split(separator: config.password.value, omittingEmptySubsequences: false).joined(
                separator: Secret.redacted
            )
        }
        let line = text.map { $0.isNewline || $0.unicodeScalars.contains { $0.value < 32 } ? " " : $0 }
        return String(String(line).prefix(300)).trimmingSpaces
    }

    private static let known = [
        ("CERTIFICATE_VERIFY_FAILED", "its certificate is not signed by a trusted authority; see tls.ca_file"),
        ("failedToValidateHostname", "its certificate is for another name; see tls.server_name_override"),
        ("CERTIFICATE_REQUIRED", "it requires a client certificate; see tls.cert_file"),
        ("WRONG_VERSION_NUMBER", "it does not speak TLS; use http:// if that is intended"),
        ("Connection refused", "connection refused"), ("Connection reset", "the connection was reset"),
        ("failed to resolve", "its name is not known"), ("dnsAError", "its name is not known"),
    ]

    private static func reason(_ error: any Error) -> String {
        let text = "\(error)"
        if let (_, meaning) = known.first(where: { text.contains($0.0) }) { return meaning }
        if let error = error as? HTTPClientError { return error.shortDescription.lowercased() }
        return String(text.prefix(120))
    }
}

extension String {
    fileprivate var trimmingSpaces: String {
        var text = self[...]
        while text.last == " " { text.removeLast() }
        while text.first == " " { text.removeFirst() }
        return String(text)
    }
}
