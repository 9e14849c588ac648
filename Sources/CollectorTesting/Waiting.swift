// SPDX-License-Identifier: Apache-2.0

/// Waits until a condition holds, which is checked every 5 ms.
///
/// - Returns: False after three minutes, which happens only when the program is broken: two thousand tests share the processors.
public func eventually(_ condition: () async throws -> Bool) async rethrows -> Bool {
    let end = ContinuousClock.now + .seconds(180)
    while ContinuousClock.now < end {
        if try await condition() { return true }
        try? await Task.sleep(for: .milliseconds(5))
    }
    return try await condition()
}

/// Waits until a condition holds, as ``eventually(_:)`` does.
///
/// - Throws: ``NeverHeld`` after three minutes, and the errors of the condition.
public func waitUntil(_ condition: () async throws -> Bool) async throws {
    guard try await eventually(condition) else { throw NeverHeld() }
}

/// A condition that did not become true in time.
public struct NeverHeld: Error, CustomStringConvertible {
    /// The message.
    public let description = "what was waited for did not come about within three minutes"
}
