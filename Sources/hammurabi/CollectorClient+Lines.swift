// SPDX-License-Identifier: Apache-2.0

import Glibc

extension CollectorClient {
    /// Asks for an answer that goes on, and hands over each line of it as it comes, until there are no more.
    ///
    /// - Returns: The status, with the whole body when it is not 200; nil when nobody answers.
    func lines(_ path: String, _ take: (String) -> Void) -> Answer? {
        guard let socket = connected(0) else { return nil }
        defer { close(socket) }
        let keyField = key.map { "X-Hammurabi-Api-Key: \($0)\r\n" } ?? ""
        // Answers in pieces come to a client of HTTP/1.0 as they are, until the connection ends.
        let request = "GET \(path) HTTP/1.0\r\nHost: \(endpoint)\r\n\(keyField)\r\n"
        guard write(Array(request.utf8), to: socket) else { return nil }
        var bytes: [UInt8] = []
        var head: Answer?
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = recv(socket, &buffer, buffer.count, 0)
            guard count > 0 else { break }
            bytes += buffer.prefix(count)
            if head == nil {
                guard let answer = Self.parse(bytes) else { continue }
                head = answer
                bytes = Array(answer.body.utf8)
            }
            guard head?.status == 200 else { continue }
            while let end = bytes.firstIndex(of: UInt8(ascii: "\n")) {
                take(String(decoding: bytes[..<end], as: UTF8.self))
                bytes.removeFirst(end + 1)
            }
        }
        head?.body = String(decoding: bytes, as: UTF8.self)
        return head
    }
}
