// SPDX-License-Identifier: Apache-2.0

/// Waits until something holds, which is looked at every 5 ms.
///
/// - Returns: False after a minute, which only a broken program reaches.
public func eventually(_ condition: () async throws -> Bool) async rethrows -> Bool {
    let end = ContinuousClock.now + .seconds(60)
    while ContinuousClock.now < end {
        if try await condition() { return true }
        try? await Task.sleep(for: .milliseconds(5))
    }
    return try await condition()
}

/// Waits until something holds, as ``eventually(_:)`` does.
///
/// - Throws: ``NeverHeld`` after a minute, and what the condition throws.
public func waitUntil(_ condition: () async throws -> Bool) async throws {
    guard try await eventually(condition) else { throw NeverHeld() }
}

/// Something that a test waited for did not come about.
public struct NeverHeld: Error, CustomStringConvertible {
    /// What is wrong.
    public let description = "what was waited for did not come about within a minute"
}
