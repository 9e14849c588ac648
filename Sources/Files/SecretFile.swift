// SPDX-License-Identifier: Apache-2.0

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// A file with a secret that somebody else writes and replaces, such as a token that is rotated.
///
/// It is read again each time, because a mounted secret changes by a link that is turned. Safe to use from any thread.
public struct SecretFile: Sendable {
    /// Where it lies; links are followed.
    public let path: String

    private static let largest = 64 << 10

    /// A file that may not be there yet.
    public init(_ path: String) { self.path = path }

    /// What it says now, without blanks and line breaks around it.
    ///
    /// - Throws: ``FileError`` when it cannot be read, is missing, or has more than 64 KiB.
    public func text() throws(FileError) -> String {
        guard let bytes = try OwnFile.content(path, largest: Self.largest, followsLinks: true) else {
            throw FileError(number: ENOENT, path: path)
        }
        let start = bytes.drop { $0 <= 32 }
        return String(decoding: start.prefix(start.count - start.reversed().prefix { $0 <= 32 }.count), as: UTF8.self)
    }
}
