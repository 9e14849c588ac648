// SPDX-License-Identifier: Apache-2.0

/// Waits until a condition holds, which is checked every 5 ms.
///
/// - Returns: False after a minute, which happens only when the program is broken.
public func eventually(_ condition: () async throws -> Bool) async rethrows -> Bool {
    let end = ContinuousClock.now + .seconds(60)
    while ContinuousClock.now < end {
        if try await condition() { return true }
        try? await Task.sleep(for: .milliseconds(5))
    }
    return try await condition()
}

/// Waits until a condition holds, as ``eventually(_:)`` does.
///
/// - Throws: ``NeverHeld`` after a minute, and the errors of the condition.
public func waitUntil(_ condition: () async throws -> Bool) async throws {
    guard try await eventually(condition) else { throw NeverHeld() }
}

/// A condition that did not become true in time.
public struct NeverHeld: Error, CustomStringConvertible {
    /// The message.
    public let description = "what was waited for did not come about within a minute"
}
