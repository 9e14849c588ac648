// SPDX-License-Identifier: Apache-2.0

/// The memory that requests in flight and queues hold together (`service.memory_limit`), as a component sees it.
///
/// What is taken counts against the requests that come in: they are put off while there is too little. Safe to use from any thread.
public protocol MemoryPool: Sendable {
    /// As many bytes as may wait at most; the rest is left to requests, so that a queue that is full does not shut out those for others.
    var mostWaiting: Int { get }
    /// Whether so many more bytes may wait in a queue that holds some already.
    ///
    /// One queue may hold twice as much as is free: so the others find room, however many of them do not move.
    func mayWait(_ bytes: Int, beside own: Int) -> Bool
    /// Takes bytes for what waits in a queue that holds some already; false when there is no room, and nothing is taken then.
    func reserve(_ bytes: Int, beside own: Int) -> Bool
    /// Gives back what was reserved.
    func unreserve(_ bytes: Int)
    /// Takes bytes for work that is bounded by itself and must go on for memory to come back.
    func charge(_ bytes: Int)
    /// Gives back what was charged.
    func discharge(_ bytes: Int)
}
