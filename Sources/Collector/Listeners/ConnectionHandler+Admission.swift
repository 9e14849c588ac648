// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import HTTPTypes
import NIOCore

extension ConnectionHandler {
    /// Why the present request is not answered; nil when it is, and its memory is taken then.
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
        if length > budget.limit {
            return Admission.Denial(
                code: .tooLarge,
                status: .contentTooLarge,
                message: "the body has more bytes than service.memory_limit allows at all; send smaller batches"
            )
        }
        exchange?.memory = MemoryShare(length, of: budget)
        if exchange?.memory != nil { return nil }
        return Admission.Denial(
            code: .noMemory,
            status: .serviceUnavailable,
            message: "too much is being taken in at the moment; send it again later",
            fields: [.retryAfter: "\(budget.retryAfter(for: length))"]
        )
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
