// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import HTTPTypes
import NIOCore
import Usage

extension ConnectionHandler {
    /// Why the present request is not answered; nil when it is, and its share of the memory is opened then.
    func denial(_ head: RequestHead, _ match: RouteTable.Match) -> Admission.Denial? {
        switch site.admission {
        case .everybody: break
        case .local(let rule):
            if let denial = rule.denial(head.request, allowsOrigin: match.route?.allowsOrigin) { return denial }
        case .keys(let rule):
            guard let route = match.route else { break }
            switch rule.decision(head.request, for: route, from: context?.channel.remoteAddress?.ipAddress) {
            case .denied(let denial): return denial
            case .admitted(let permissions): exchange?.permissions = permissions
            }
        }
        return memoryDenial(head)
    }

    /// How often an answer without an end asks whether its key still allows it.
    private static let permissionInterval = TimeAmount.milliseconds(250)

    /// Ends an answer without an end when its key does not allow it any more, or keys are asked for since and it has none.
    func watchPermission(_ number: Int) {
        guard let context, let exchange, exchange.number == number, let route = exchange.route else { return }
        if case .keys(let rule) = service.site.admission, !rule.stillAdmits(exchange.head.request, for: route) {
            return cutOff()
        }
        context.eventLoop.assumeIsolated().scheduleTask(in: Self.permissionInterval) { self.watchPermission(number) }
    }

    private func memoryDenial(_ head: RequestHead) -> Admission.Denial? {
        guard let budget = service.memory, head.statedLength != 0 else { return nil }
        let length = head.statedLength ?? 0
        if length > budget.largestBody {
            return Admission.Denial(
                code: .tooLarge,
                status: .contentTooLarge,
                message: "the body has more bytes than service.memory_limit allows at all; send smaller batches"
            )
        }
        if budget.hasRoom(for: length, isLarge: length > limits.smallBody) {
            exchange?.memory = MemoryShare(of: budget)
            return nil
        }
        budget.noteRefusal()
        return Admission.Denial(
            code: .noMemory,
            status: .serviceUnavailable,
            message: "too much is being taken in at the moment; send it again later",
            fields: [.retryAfter: "\(budget.retryAfter(for: length))"]
        )
    }

    /// Takes memory for bytes of the body that have come; false when there is none.
    func takesMemory(for bytes: Int) -> Bool {
        guard let budget = service.memory, let exchange, let memory = exchange.memory else { return true }
        if exchange.received + bytes <= limits.smallBody { return memory.take(bytes) }
        if exchange.incoming == nil {
            self.exchange?.incoming = IncomingShare(memory, of: budget, sender: sender(of: exchange.head.request))
        }
        return self.exchange?.incoming?.take(bytes) == true
    }

    /// A hash of who sends: of its key, which has been checked by now, or else of its address.
    private func sender(of request: HTTPRequest) -> UInt64 {
        var hash = StableHash(domain: "sender")
        let key = HTTPField.Name("X-Hammurabi-Api-Key").flatMap { request.headerFields[$0] }
        if case .keys = site.admission, let key = key ?? request.headerFields[.authorization] {
            hash.combine(key)
        } else {
            hash.combine(context?.channel.remoteAddress?.ipAddress ?? "")
        }
        return hash.value
    }

    /// Answers without the body; a request that has none keeps its connection.
    func deny(_ denial: Admission.Denial) {
        exchange?.denial = denial
        guard let exchange, exchange.head.statedLength != 0 else { return }
        self.exchange?.isHandled = true
        answer(denial)
    }

    /// Answers now, or after the time for which wrong keys are held back.
    func answer(_ denial: Admission.Denial) {
        guard let exchange, let eventLoop = context?.eventLoop else { return }
        let response = ErrorAnswer(exchange.head.request, route: exchange.match.route)
            .response(denial.status, denial.message, denial.fields, because: denial.code)
        guard denial.delay > .zero else { return finish(response, exchange.number) }
        eventLoop.assumeIsolated().scheduleTask(in: denial.delay) { self.finish(response, exchange.number) }
    }
}
