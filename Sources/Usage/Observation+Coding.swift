// SPDX-License-Identifier: Apache-2.0

extension Observation {
    /// Appends the observation in a compact binary form, for stores: about 200 bytes.
    ///
    /// Numbers are little-endian or variable-length as in Protocol Buffers, texts are preceded by their length. The first byte names
    /// the form, so that a later one can be told from it.
    public func encode(into bytes: inout [UInt8]) {
        var writer = CompactWriter(bytes: bytes)
        bytes = []
        writer.byte(Self.form)
        writer.fixed(id)
        writer.fixed(UInt64(bitPattern: time.nanoseconds))
        writer.byte(source.rawValue)
        writer.byte(priority)
        writer.byte(flags)
        writer.fixed(emitter)
        writer.optional(keys.request)
        writer.optional(keys.response)
        writer.optional(keys.lineage)
        writer.optional(blockingKey)
        writer.signed(Int64(weakWindow))
        writer.optional(trace.span)
        writer.byte(UInt8(trace.ancestors.values.count))
        trace.ancestors.forEach { writer.fixed($0) }
        writer.optional(trace.kind)
        writer.optional(intervalKey)
        writer.optional(keys.answer)
        writer.text(session)
        writer.text(agent)
        writer.text(provider)
        writer.text(model)
        writer.text(user)
        writer.text(project)
        writer.text(machine)
        writer.signed(counts.uncachedInput)
        writer.signed(counts.cacheRead)
        writer.signed(counts.cacheWrite5m)
        writer.signed(counts.cacheWrite1h)
        writer.signed(counts.output)
        writer.signed(counts.reasoning)
        writer.number(reportedCost?.nanodollars)
        writer.text(terms.serviceTier)
        writer.text(terms.geography)
        writer.signed(terms.webSearches)
        writer.number(duration)
        writer.text(error)
        bytes = writer.bytes
    }

    /// Reads back what ``encode(into:)`` wrote.
    ///
    /// - Parameter reader: Stands behind the observation afterwards.
    /// - Returns: nil when the bytes are damaged or of an unknown form.
    init?(from reader: inout CompactReader) {
        guard let form = reader.byte(), (1...Self.form).contains(form), let id = reader.fixed(),
            let time = reader.fixed(),
            let source = reader.byte().flatMap(Source.init(rawValue:)), let priority = reader.byte(),
            let flags = reader.byte(), let emitter = reader.fixed()
        else { return nil }
        let instant = Timestamp(nanoseconds: Int64(bitPattern: time))
        self.init(id: id, time: instant, source: source, emitter: emitter, priority: priority)
        keys.request = reader.optional()
        keys.response = reader.optional()
        keys.lineage = reader.optional()
        blockingKey = reader.optional()
        weakWindow = Int32(truncatingIfNeeded: reader.signed())
        trace.span = reader.optional()
        for _ in 0..<min(4, reader.byte() ?? 0) { trace.ancestors.insert(reader.fixed() ?? 0) }
        // Version 0.1.0 wrote form 1, which ends the links here.
        if form > 1 {
            (trace.kind, intervalKey) = (reader.optional(), reader.optional())
            keys.answer = reader.optional()
        }
        var origin = CallOrigin()
        origin.session = reader.text()
        origin.sessionIsTrace = flags & 1 != 0
        origin.sessionIsFork = flags & 32 != 0
        origin.agent = reader.text()
        origin.provider = reader.text()
        origin.model = reader.text()
        origin.user = reader.text()
        origin.project = reader.text()
        origin.machine = reader.text()
        self.origin = SharedOrigin(origin)
        counts.uncachedInput = reader.signed()
        counts.cacheRead = reader.signed()
        counts.cacheWrite5m = reader.signed()
        counts.cacheWrite1h = reader.signed()
        counts.output = reader.signed()
        counts.reasoning = reader.signed()
        reportedCost = reader.number().map(Money.init(nanodollars:))
        terms.serviceTier = reader.text()
        terms.geography = reader.text()
        terms.webSearches = reader.signed()
        duration = reader.number()
        error = reader.text()
        knowsCacheLifetimes = flags & 2 != 0
        terms.isFast = flags & 4 != 0
        trace.isRollUp = flags & 8 != 0
        isSideChain = flags & 16 != 0
        guard reader.isWhole else { return nil }
    }

    private static let form: UInt8 = 2

    private var flags: UInt8 {
        (sessionIsTrace ? 1 : 0) | (knowsCacheLifetimes ? 2 : 0) | (terms.isFast ? 4 : 0) | (trace.isRollUp ? 8 : 0)
            | (isSideChain ? 16 : 0) | (origin.value.sessionIsFork ? 32 : 0)
    }
}

extension [Observation] {
    /// The observations one after the other in their compact form.
    public var encoded: [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(count * 256)
        for observation in self { observation.encode(into: &bytes) }
        return bytes
    }

    /// Reads back what ``encoded`` gave; nil when the bytes are damaged.
    public init?(encoded bytes: [UInt8]) {
        self = []
        var reader = CompactReader(bytes)
        while !reader.isAtEnd {
            guard let observation = Observation(from: &reader) else { return nil }
            append(observation)
        }
    }
}
