// SPDX-License-Identifier: Apache-2.0

/// The API's answer about what a collector does.
struct PipelinesDocument: Decodable {
    var startedAt: String?
    var uptimeSeconds: Int64
    var version: String
    var memory: Memory?
    var components: [Component]

    struct Memory: Decodable {
        var usedBytes: Int64
        var limitBytes: Int64
    }

    /// One component and its counts since the start.
    struct Component: Decodable {
        var kind: String
        var id: String
        var state: String
        var reason: String?
        var accepted: Int64
        var refused: Int64
        var sent: Int64
        var failed: Int64
        var dropped: Int64
        var queue: Queue?
        var lastError: Trouble?

        struct Queue: Decodable {
            var batches: Int64
            var bytes: Int64
            var capacityBytes: Int64
        }

        struct Trouble: Decodable {
            var message: String
            var time: String
            var count: Int64
        }
    }
}
