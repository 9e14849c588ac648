// SPDX-License-Identifier: Apache-2.0

import APIKeysExtension
import ArgumentParser
import Collector
import CollectorKit
import Glibc
import Onboarding

extension OnboardFlow {
    /// The key from standard input or the environment; nil when there is none.
    private func givenKey() throws -> String? {
        let text: String?
        if options.apiKeyStdin {
            text = readLine(strippingNewline: true)
            if text?.trimmed.isEmpty != false {
                throw Refusal(message: "standard input holds no key", exitCode: Exit.inputMissing)
            }
        } else {
            text = surroundings.environment["HAMMURABI_API_KEY"].flatMap { $0.isEmpty ? nil : $0 }
        }
        guard let key = text?.trimmed else { return nil }
        if let fault = Self.fault(of: key) { throw Refusal(message: fault, exitCode: Exit.badInput) }
        return key
    }

    /// What keeps a text from being a key; it is not shown.
    private static func fault(of key: String) -> String? {
        let isPlain =
            key.utf8.count <= 1_024 && key.utf8.allSatisfy { $0 > 32 && $0 < 127 && !",\"\\".utf8.contains($0) }
        return isPlain ? nil : "a key is one word of at most 1024 visible ASCII signs, without commas and quotes"
    }

    /// Finds out by a record which key the collector wants.
    mutating func chooseKey(_ endpoint: EndpointURL, _ agents: [Agent], serviceFollows: Bool) throws -> KeyChoice {
        var key = try givenKey()
        if options.dryRun || options.noCheck { return key.map(KeyChoice.given) ?? .none }
        var known = key == nil ? knownKeys(endpoint, agents) : []
        let wasKnown = Set(known)
        while true {
            let check = EndpointCheck.run(endpoint, key: key, now: Console.now())
            let choice = key.map(KeyChoice.given) ?? .none
            switch check {
            case .accepted:
                report.check = "accepted"
                say("\(endpoint) takes telemetry: a record was sent and accepted.\n")
                return choice
            case .keyNeeded, .keyRefused:
                if let next = known.popLast() {
                    key = next
                    continue
                }
                if key == nil || key.map(wasKnown.contains) == true, let made = try offerKey() { return made }
                key = try askForKey(endpoint, check)
            case .unreachable:
                let untrusted = endpoint.scheme == "https" ? ", or its certificate is not trusted on this machine" : ""
                return try goOnUnchecked("nobody listens at \(endpoint)\(untrusted)", choice, serviceFollows)
            case .noCollector(let status):
                throw Refusal(
                    message:
                        "what answers at \(endpoint) takes no OTLP (status \(status)); name the collector with --endpoint",
                    exitCode: Exit.unreachable
                )
            }
        }
    }

    private func offerKey() throws -> KeyChoice? {
        guard let issuer = KeyIssuer.local(graph, surroundings) else { return nil }
        let isWanted =
            try questions?.confirm("The collector asks for a key. Make one for these agents?", default: true) ?? true
        return isWanted ? .make(issuer) : nil
    }

    /// Keys that agents show there already, so that a second run makes no second key.
    private func knownKeys(_ endpoint: EndpointURL, _ agents: [Agent]) -> [String] {
        let plans = agents.map {
            AgentPlan.make(for: $0, to: destination(endpoint, key: nil), of: account, in: files)
        }
        return Array(Set(plans.compactMap(\.currentKey).filter { Self.fault(of: $0) == nil }))
    }

    /// Makes the key and sends a record with it; a key that the collector does not take is taken back.
    mutating func makeKey(_ issuer: KeyIssuer, _ endpoint: EndpointURL) throws -> String {
        let new: NewKey
        do throws(StartError) {
            new = try issuer.create("agents on \(surroundings.machineName ?? "this machine")")
        } catch {
            throw Refusal(message: "no key could be made: \(error)", exitCode: error.exitCode)
        }
        // The collector looks at the file of keys once a second.
        for _ in 0..<20 {
            if EndpointCheck.run(endpoint, key: new.key, now: Console.now()) == .accepted {
                report.check = "accepted"
                say(
                    "\nMade a key for \(new.record.name): \(new.record.prefix)…; "
                        + "hammurabi keys revoke \(new.record.id) takes it back.\n"
                )
                return new.key
            }
            usleep(250_000)
        }
        try? issuer.revoke(new)
        throw Refusal(
            message: "\(endpoint) does not take a key that was made for it: is it the collector of this configuration? "
                + "No settings were changed",
            exitCode: Exit.permission
        )
    }

    private func askForKey(_ endpoint: EndpointURL, _ check: EndpointCheck) throws -> String {
        var reason = "it asks for a key"
        if case .keyRefused(let why) = check { reason = why }
        guard let questions else {
            throw Refusal(
                message: "\(endpoint): \(reason); give one with --api-key-stdin or HAMMURABI_API_KEY",
                exitCode: Exit.permission
            )
        }
        Console.error("\(endpoint): \(reason).\n")
        return try questions.text("Key (it is not shown)", isSecret: true) { Self.fault(of: $0) }
    }

    private func goOnUnchecked(_ reason: String, _ key: KeyChoice, _ serviceFollows: Bool) throws -> KeyChoice {
        if serviceFollows { return key }
        let advice = "start the collector (hammurabi run, or hammurabi onboard --service), or say --no-check"
        guard let questions else {
            throw Refusal(message: "\(reason); \(advice)", exitCode: Exit.unreachable)
        }
        Console.error("Nobody listens at \(report.endpoint).\n")
        guard try questions.confirm("Write the settings all the same?", default: false) else {
            throw Refusal(message: "\(reason); \(advice); nothing was changed", exitCode: Exit.unreachable)
        }
        return key
    }
}
