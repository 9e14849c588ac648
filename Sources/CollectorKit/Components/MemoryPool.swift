// SPDX-License-Identifier: Apache-2.0

/// The memory budget of requests in flight and queues (`service.memory_limit`), as a component sees it.
///
/// Reserved bytes reduce what is left for incoming requests, which are refused while there is too little. Safe to use from any thread.
public protocol MemoryPool: Sendable {
    /// The most bytes that may wait in queues; the rest is for requests, so that a full queue does not block those for other exporters.
    var mostWaiting: Int { get }
    /// Whether this many more bytes may wait in a queue that holds `own` bytes already.
    ///
    /// One queue may hold twice as much as is free, so that others find room, however many of them are stuck.
    func mayWait(_ bytes: Int, beside own: Int) -> Bool
    /// Reserves bytes in a queue that holds `own` bytes already; false, without any effect, when there is no room.
    func reserve(_ bytes: Int, beside own: Int) -> Bool
    /// Releases reserved bytes.
    func unreserve(_ bytes: Int)
    /// Counts bytes of work that is bounded otherwise and must continue in order to free memory.
    func charge(_ bytes: Int)
    /// Releases counted bytes.
    func discharge(_ bytes: Int)
}
