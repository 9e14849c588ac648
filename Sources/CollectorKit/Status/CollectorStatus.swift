// SPDX-License-Identifier: Apache-2.0

public import OTLP
public import Usage

/// A snapshot of a running collector, for `/metrics`, the pipelines page and `hammurabi status`.
public struct CollectorStatus: Sendable {
    /// When this collector began to serve; nil before.
    public var startedAt: Timestamp?
    /// The whole seconds since then, by a clock that is never set; 0 before.
    public var uptimeSeconds: Int64 = 0
    /// The memory of requests in flight and of queues, with its limit.
    public var memory = MemoryUse()
    /// How many requests each listener answered, by path and status.
    public var requests: [RequestCount] = []
    /// Telemetry that was not collected since the start, newest first.
    public var intakeProblems: [IntakeProblem] = []
    /// Texts that were dropped on purpose since the start, the most frequent first.
    public var droppedTexts: [DroppedText] = []
    /// The number of problems of each kind; never decreases.
    public var intakeProblemCounts: [IntakeProblem.Code: Int] = [:]
    /// The pipelines, in the order of the configuration.
    public var pipelines: [PipelineStatus] = []
    /// The components, each once, in start order.
    public var components: [ComponentStatus] = []

    /// Creates the status of a collector without components.
    public init() {}

    /// The memory of data in flight.
    public struct MemoryUse: Sendable, Hashable {
        /// The bytes held now.
        public var usedBytes = 0
        /// The bytes that may be held; 0 without a limit.
        public var limitBytes = 0
        /// Whether requests are refused for lack of memory, now or in the last 30 seconds.
        public var isRefusing = false

        /// The problem in one sentence; nil when telemetry is accepted.
        public var trouble: String? {
            isRefusing ? "telemetry is refused with 503, because requests hold what service.memory_limit allows" : nil
        }

        /// Creates a use of zero bytes.
        public init() {}
    }
}

/// One pipeline as configured.
public struct PipelineStatus: Sendable, Hashable {
    /// Its name, such as `logs` or `logs/audit`.
    public var name: String
    /// Its signal.
    public var signal: Signal
    /// Its receivers.
    public var receivers: [ComponentID]
    /// Its processors, in order.
    public var processors: [ComponentID]
    /// Its exporters.
    public var exporters: [ComponentID]
    /// The number of records that each of them took in this pipeline, by kind and id; for a receiver those that the pipeline has taken.
    public var accepted: [ComponentKind: [ComponentID: Int]]

    /// Creates a pipeline's status.
    public init(
        name: String,
        signal: Signal,
        receivers: [ComponentID],
        processors: [ComponentID],
        exporters: [ComponentID],
        accepted: [ComponentKind: [ComponentID: Int]] = [:]
    ) {
        self.name = name
        self.signal = signal
        self.receivers = receivers
        self.processors = processors
        self.exporters = exporters
        self.accepted = accepted
    }
}

/// One running component.
public struct ComponentStatus: Sendable {
    /// Its kind.
    public var kind: ComponentKind
    /// Its id.
    public var id: ComponentID
    /// Its stability.
    public var stability: Stability
    /// The position of its declaration, such as `config.yaml:12`; nil when it is not in a file.
    public var location: String?
    /// Its state.
    public var state: ComponentState
    /// Its counters; those of a processor are added over its pipelines.
    public var counts: [ComponentCounters.Field: Int]
    /// The latest error; nil when there was none.
    public var lastError: ComponentTrouble?
    /// The state of its queue; nil without a queue.
    public var queue: QueueStatus?
    /// How often its own process was started again; nil for a component without one.
    public var restarts: Int?
    /// The other collectors that use the same store; empty for a component that no other collector shares.
    public var collectors: [StoreCollector]

    /// Creates a component's status.
    public init(
        kind: ComponentKind,
        id: ComponentID,
        stability: Stability,
        location: String?,
        state: ComponentState,
        counts: [ComponentCounters.Field: Int],
        lastError: ComponentTrouble?,
        queue: QueueStatus?,
        restarts: Int? = nil,
        collectors: [StoreCollector] = []
    ) {
        self.kind = kind
        self.id = id
        self.stability = stability
        self.location = location
        self.state = state
        self.counts = counts
        self.lastError = lastError
        self.queue = queue
        self.restarts = restarts
        self.collectors = collectors
    }
}

/// The state of a component.
public enum ComponentState: Sendable, Hashable {
    /// Created, not started yet.
    case starting
    /// Running.
    case running
    /// Running with a problem, described in one sentence.
    case degraded(String)
    /// Shut down.
    case stopped

    /// The name of the state in answers.
    public var name: String {
        switch self {
        case .starting: "starting"
        case .running: "ok"
        case .degraded: "degraded"
        case .stopped: "stopped"
        }
    }
}

/// The latest error of a component, and the number of errors.
public struct ComponentTrouble: Sendable, Hashable {
    /// What is wrong; free of secrets and of record content.
    public var message: String
    /// When it last occurred.
    public var time: Timestamp
    /// The number of errors since the start.
    public var count: Int

    /// Creates an error.
    public init(message: String, time: Timestamp, count: Int) {
        self.message = message
        self.time = time
        self.count = count
    }
}

/// The state of a queue.
public struct QueueStatus: Sendable, Hashable {
    /// The waiting batches.
    public var batches: Int
    /// Their bytes.
    public var bytes: Int
    /// How many bytes may wait.
    public var capacityBytes: Int
    /// When the oldest of them was received; nil when none waits.
    public var oldest: Timestamp?
    /// Since when nothing has left the queue although batches wait; nil while it moves.
    public var stuckSince: Timestamp?
    /// Why it accepts no more batches now; nil while it does.
    public var refusal: String?

    /// Creates a queue's status.
    public init(
        batches: Int,
        bytes: Int,
        capacityBytes: Int,
        oldest: Timestamp?,
        stuckSince: Timestamp?,
        refusal: String? = nil
    ) {
        self.batches = batches
        self.bytes = bytes
        self.capacityBytes = capacityBytes
        self.oldest = oldest
        self.stuckSince = stuckSince
        self.refusal = refusal
    }
}

/// A component with a queue.
public protocol Queueing: Component {
    /// The present state; cheap, may be called from any thread.
    var queueStatus: QueueStatus { get }
}

extension Queueing {
    /// Itself.
    public var queueing: (any Queueing)? { self }
}

/// A component that detects its own problems.
public protocol HealthReporting: Component {
    /// Its problem in one sentence; nil when there is none.
    var trouble: String? { get }
}

extension HealthReporting {
    /// Itself.
    public var healthReporting: (any HealthReporting)? { self }
}

extension CollectorStatus {
    /// After this time in nanoseconds without progress, a queue counts as a problem.
    public static let longestStandstill: Int64 = 60_000_000_000

    /// All components with a problem, each with its reason; empty when there is none.
    public var troubles: [(id: ComponentID, reason: String)] { reasons { _ in true } }

    /// The problems because of which senders are refused.
    ///
    /// An unreachable destination is not one of them while its queue has room: otherwise a load balancer would take the collector out of
    /// service with every pause of a backend (open-telemetry/opentelemetry-collector#6710).
    public var intakeTroubles: [(id: ComponentID, reason: String)] {
        reasons { $0.isAtWork ? $0.queue == nil || $0.queue?.refusal != nil : true }
    }

    /// The problems because of which senders are refused, and those of queues without progress for a minute.
    public func lastingTroubles(at now: Timestamp) -> [(id: ComponentID, reason: String)] {
        reasons { component in
            guard component.isAtWork, let queue = component.queue, queue.refusal == nil else { return true }
            guard let since = queue.stuckSince else { return false }
            return now.nanoseconds - since.nanoseconds >= Self.longestStandstill
        }
    }

    private func reasons(where isMeant: (ComponentStatus) -> Bool) -> [(id: ComponentID, reason: String)] {
        components.compactMap { component in
            guard isMeant(component) else { return nil }
            let reason: String? =
                switch component.state {
                case .running: component.queue?.refusal
                case .degraded(let reason): reason
                case .starting: "it has not started yet"
                case .stopped: "it is stopped"
                }
            guard let reason else { return nil }
            return (component.id, reason)
        }
    }
}

extension ComponentStatus {
    /// Whether it was started and is not shut down.
    fileprivate var isAtWork: Bool {
        switch state {
        case .running, .degraded: true
        case .starting, .stopped: false
        }
    }
}
