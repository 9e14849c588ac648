// SPDX-License-Identifier: Apache-2.0

import Glibc

extension CollectorClient {
    /// Asks for an answer that goes on, and hands over each line of it as it comes, until there are no more.
    ///
    /// - Returns: The status, with the whole body when it is not 200; nil when nobody answers.
    func lines(_ path: String, _ take: @escaping @Sendable (String) -> Void) -> Answer? {
        if let trust { return encryptedLines(path, trusting: trust, take) }
        guard let socket = connected() else { return nil }
        defer { close(socket) }
        // Answers in pieces come to a client of HTTP/1.0 as they are, until the connection ends.
        let request = "GET \(path) HTTP/1.0\r\nHost: \(endpoint)\r\n\(keyField())\r\n"
        guard write(Array(request.utf8), to: socket) else { return nil }
        var lines = LineAssembler(take)
        var bytes: [UInt8] = []
        var head: Answer?
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = recv(socket, &buffer, buffer.count, 0)
            guard count > 0 else { break }
            if let status = head?.status {
                lines.add(buffer.prefix(count), isAnswer: status == 200)
                continue
            }
            bytes += buffer.prefix(count)
            guard let answer = Self.parse(bytes) else { continue }
            head = answer
            lines.add(Array(answer.body.utf8), isAnswer: answer.status == 200)
        }
        head?.body = lines.rest
        return head
    }
}

/// Cuts what comes in pieces into lines.
struct LineAssembler: Sendable {
    private let take: @Sendable (String) -> Void
    private var bytes: [UInt8] = []

    init(_ take: @escaping @Sendable (String) -> Void) { self.take = take }

    /// Adds a piece; lines are handed over only of an answer, not of a refusal.
    mutating func add(_ piece: some Sequence<UInt8>, isAnswer: Bool) {
        bytes += piece
        guard isAnswer else { return }
        while let end = bytes.firstIndex(of: UInt8(ascii: "\n")) {
            take(String(decoding: bytes[..<end], as: UTF8.self))
            bytes.removeFirst(end + 1)
        }
    }

    /// What is not a whole line.
    var rest: String { String(decoding: bytes, as: UTF8.self) }
}
