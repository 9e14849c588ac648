// SPDX-License-Identifier: Apache-2.0

public import OTLP
public import Usage

/// What a running collector says about itself: one snapshot behind `/metrics`, the pipelines page and `hammurabi status`.
public struct CollectorStatus: Sendable {
    /// When this collector began to serve; nil before.
    public var startedAt: Timestamp?
    /// For how many whole seconds it has served, by a clock that is never set; 0 before.
    public var uptimeSeconds: Int64 = 0
    /// The bytes of requests in flight and of queues, and how many they may be together.
    public var memory = MemoryUse()
    /// How many requests each listener answered, by path and status.
    public var requests: [RequestCount] = []
    /// Telemetry that was not collected since the start, the newest first.
    public var intakeProblems: [IntakeProblem] = []
    /// Texts that were dropped on purpose since the start, the most frequent first.
    public var droppedTexts: [DroppedText] = []
    /// How often each kind of such problems happened; never goes down.
    public var intakeProblemCounts: [IntakeProblem.Code: Int] = [:]
    /// The pipelines, in the order of the configuration.
    public var pipelines: [PipelineStatus] = []
    /// The components, each once, in the order of their start.
    public var components: [ComponentStatus] = []

    /// Creates the status of a collector without components.
    public init() {}

    /// Bytes held for data on its way.
    public struct MemoryUse: Sendable, Hashable {
        /// The bytes held now.
        public var usedBytes = 0
        /// The bytes that may be held; 0 without a limit.
        public var limitBytes = 0
        /// Whether senders are put off for want of memory, now or in the last 30 seconds.
        public var isRefusing = false

        /// What is wrong, in one sentence; nil when telemetry is taken in.
        public var trouble: String? {
            isRefusing ? "telemetry is refused with 503, because requests hold what service.memory_limit allows" : nil
        }

        /// Creates the use of nothing.
        public init() {}
    }
}

/// One pipeline as configured.
public struct PipelineStatus: Sendable, Hashable {
    /// Its name, such as `logs` or `logs/audit`.
    public var name: String
    /// What flows in it.
    public var signal: Signal
    /// Where its batches come from.
    public var receivers: [ComponentID]
    /// What looks at them, in order.
    public var processors: [ComponentID]
    /// Where they go.
    public var exporters: [ComponentID]
    /// How many records each of them took in this pipeline, by kind and name; what a receiver brought counts once the pipeline has it.
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

/// One component as it runs.
public struct ComponentStatus: Sendable {
    /// What it does.
    public var kind: ComponentKind
    /// Its name.
    public var id: ComponentID
    /// How settled it is.
    public var stability: Stability
    /// Where it is declared, such as `config.yaml:12`; nil for what nobody wrote down.
    public var location: String?
    /// How it is.
    public var state: ComponentState
    /// What it counted; a processor that runs in several pipelines counts them together.
    public var counts: [ComponentCounters.Field: Int]
    /// The newest trouble; nil when there was none.
    public var lastError: ComponentTrouble?
    /// What waits in its queue; nil without a queue.
    public var queue: QueueStatus?

    /// Creates a component's status.
    public init(
        kind: ComponentKind,
        id: ComponentID,
        stability: Stability,
        location: String?,
        state: ComponentState,
        counts: [ComponentCounters.Field: Int],
        lastError: ComponentTrouble?,
        queue: QueueStatus?
    ) {
        self.kind = kind
        self.id = id
        self.stability = stability
        self.location = location
        self.state = state
        self.counts = counts
        self.lastError = lastError
        self.queue = queue
    }
}

/// How a component is.
public enum ComponentState: Sendable, Hashable {
    /// Made, not started yet.
    case starting
    /// At work.
    case running
    /// At work, but something does not get on: why, in one sentence.
    case degraded(String)
    /// Shut down.
    case stopped

    /// The word for it in answers.
    public var name: String {
        switch self {
        case .starting: "starting"
        case .running: "ok"
        case .degraded: "degraded"
        case .stopped: "stopped"
        }
    }
}

/// The newest trouble of a component, and how often there was any.
public struct ComponentTrouble: Sendable, Hashable {
    /// What is wrong; free of secrets and of record content.
    public var message: String
    /// When it was last so.
    public var time: Timestamp
    /// How many troubles there were since the start.
    public var count: Int

    /// Creates a trouble.
    public init(message: String, time: Timestamp, count: Int) {
        self.message = message
        self.time = time
        self.count = count
    }
}

/// What waits in a queue.
public struct QueueStatus: Sendable, Hashable {
    /// Batches that wait.
    public var batches: Int
    /// Their bytes.
    public var bytes: Int
    /// How many bytes may wait.
    public var capacityBytes: Int
    /// When the oldest of them was taken in; nil when none waits.
    public var oldest: Timestamp?
    /// Since when nothing has left the queue although something waits; nil while it moves.
    public var stuckSince: Timestamp?
    /// Why it takes in no more batches now; nil while it does.
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

/// A component with a queue that can be looked at.
public protocol Queueing: Component {
    /// What waits now; cheap, may be asked from anywhere.
    var queueStatus: QueueStatus { get }
}

extension Queueing {
    /// Itself.
    public var queueing: (any Queueing)? { self }
}

/// A component that knows by itself whether it gets on.
public protocol HealthReporting: Component {
    /// Why it does not get on, in one sentence; nil when it does.
    var trouble: String? { get }
}

extension HealthReporting {
    /// Itself.
    public var healthReporting: (any HealthReporting)? { self }
}

extension CollectorStatus {
    /// A queue in which nothing has moved for so long is a trouble, in nanoseconds.
    public static let longestStandstill: Int64 = 60_000_000_000

    /// What does not get on, each with its reason; empty when all is well.
    public var troubles: [(id: ComponentID, reason: String)] { reasons { _ in true } }

    /// The troubles for which senders are refused.
    ///
    /// A destination that is away is none while its queue has room: a collector that called itself unready then would be taken
    /// from its senders with every pause of a backend (open-telemetry/opentelemetry-collector#6710).
    public var intakeTroubles: [(id: ComponentID, reason: String)] {
        reasons { $0.isAtWork ? $0.queue == nil || $0.queue?.refusal != nil : true }
    }

    /// The troubles for which senders are refused, and those of queues in which nothing has moved for a minute.
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
