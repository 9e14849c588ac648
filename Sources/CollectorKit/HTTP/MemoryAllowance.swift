// SPDX-License-Identifier: Apache-2.0

/// The memory that one request may take up; what was taken is given back when the request has been answered and forgotten.
public protocol MemoryAllowance: Sendable {
    /// Takes more bytes; false when there are not so many left, and nothing is taken then.
    func take(_ bytes: Int) -> Bool
}
