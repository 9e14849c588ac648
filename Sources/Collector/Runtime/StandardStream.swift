// SPDX-License-Identifier: Apache-2.0

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// The standard output streams of the process.
public enum StandardStream: Int32, Sendable {
    /// For answers.
    case output = 1
    /// For progress, warnings and errors.
    case error = 2

    /// Writes a whole text; ignores a closed pipe.
    public func write(_ text: String) {
        var text = text
        text.withUTF8 { bytes in
            var written = 0
            while written < bytes.count {
                let count = systemWrite(rawValue, bytes.baseAddress.map { $0 + written }, bytes.count - written)
                if count > 0 { written += count } else if errno != EINTR { return }
            }
        }
    }
}

/// A method of the same name hides the system's `write`.
private func systemWrite(_ descriptor: Int32, _ bytes: UnsafeRawPointer?, _ count: Int) -> Int {
    write(descriptor, bytes, count)
}
