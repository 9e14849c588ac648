// SPDX-License-Identifier: Apache-2.0

import Glibc
import Onboarding

/// Who listens at a TCP port of this machine, as the kernel tells in /proc.
struct ListeningProcess {
    /// Its number and name; nil when it belongs to somebody else.
    var process: (id: Int32, name: String)?

    /// nil when nobody listens there.
    static func at(port: Int) -> ListeningProcess? {
        let files = LocalFiles()
        let tables = ["/proc/net/tcp", "/proc/net/tcp6"].map { (try? files.read($0)) ?? [] }
        let sockets = tables.flatMap { Self.sockets(in: String(decoding: $0, as: UTF8.self), port: port) }
        guard !sockets.isEmpty else { return nil }
        return ListeningProcess(process: owner(of: sockets, files))
    }

    /// The sockets of a table (proc_net_tcp(5)) that listen at a port: state 0A, `address:port` in hexadecimal digits.
    static func sockets(in table: String, port: Int) -> [String] {
        table.split(separator: "\n").dropFirst().compactMap { line in
            let fields = line.split(separator: " ")
            guard fields.count > 9, fields[3] == "0A", let digits = fields[1].split(separator: ":").last,
                Int(digits, radix: 16) == port
            else { return nil }
            return String(fields[9])
        }
    }

    private static func owner(of sockets: [String], _ files: LocalFiles) -> (id: Int32, name: String)? {
        let links = Set(sockets.map { "socket:[\($0)]" })
        for name in files.names(in: "/proc") {
            guard let id = Int32(name) else { continue }
            let folder = "/proc/\(id)/fd"
            let isOwner = files.names(in: folder).contains { entry in
                var buffer = [CChar](repeating: 0, count: 64)
                let length = readlink("\(folder)/\(entry)", &buffer, buffer.count)
                return length > 0
                    && links.contains(
                        String(decoding: buffer.prefix(length).map { UInt8(bitPattern: $0) }, as: UTF8.self)
                    )
            }
            guard isOwner else { continue }
            let title = (try? files.read("/proc/\(id)/comm")) ?? []
            return (id, String(decoding: title, as: UTF8.self).trimmed)
        }
        return nil
    }
}
