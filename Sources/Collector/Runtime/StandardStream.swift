// SPDX-License-Identifier: Apache-2.0

import Glibc

/// The streams a program is started with.
public enum StandardStream: Int32, Sendable {
    /// Where answers go.
    case output = 1
    /// Where progress, warnings and errors go.
    case error = 2

    /// Writes a text whole; a reader that has gone away is no error.
    public func write(_ text: String) {
        var text = text
        text.withUTF8 { bytes in
            var written = 0
            while written < bytes.count {
                let count = Glibc.write(rawValue, bytes.baseAddress.map { $0 + written }, bytes.count - written)
                if count > 0 { written += count } else if errno != EINTR { return }
            }
        }
    }
}
