// SPDX-License-Identifier: Apache-2.0

/// A class of service with rates of its own.
public enum ServiceTier: String, Sendable, Hashable, CaseIterable {
    /// The list price.
    case standard
    /// Answers within a day, about half the price.
    case batch
    /// Slower answers, about half the price.
    case flex
    /// Between standard and priority.
    case balanced
    /// Faster answers, about twice the price.
    case priority
    /// The fastest answers, about six times the price.
    case ultrafast

    /// Recognises the name that an API reports; nil for a name that is not known.
    ///
    /// No name, `default` and `auto` mean the standard tier; `fast` is Codex's older name of `priority`
    /// (agentclientprotocol/codex-acp#285). Anthropic's fast mode is no tier, see ``BillingTerms/isFast``.
    public init?(name: String?) {
        switch name?.lowercased() {
        case nil, "", "default", "auto", "standard", "standard_only", "on_demand": self = .standard
        case "batch", "batches": self = .batch
        case "fast": self = .priority
        case let name?: self.init(rawValue: name)
        }
    }
}
