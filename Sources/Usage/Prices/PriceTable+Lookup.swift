// SPDX-License-Identifier: Apache-2.0

extension PriceTable {
    /// Finds the price of a model at an instant; nil when the model is unpriced.
    ///
    /// - Parameters:
    ///   - model: The model as the call names it, decorated or not.
    ///   - provider: Who answered, in OpenTelemetry's, LiteLLM's or an agent's spelling; nil when it is not known.
    ///   - time: When the call was made.
    public func entry(model: String, provider: String?, at time: Timestamp) -> PriceEntry? {
        history(model: model, provider: provider)?.entry(at: time)
    }

    /// Finds the prices of a model over time; nil when the model is unpriced.
    public func history(model: String, provider: String?) -> PriceHistory? {
        let override = effectiveOverride(for: model, provider: provider)
        if let entry = override?.entry { return PriceHistory(entries: [entry]) }
        guard var history = published(model: model, provider: provider) else { return nil }
        if let override {
            for index in history.entries.indices { history.entries[index].factor = override.multiplier }
        }
        return history
    }

    /// The user's price for a model: the one for its exact name, else the one for its name without decoration.
    ///
    /// A price for `claude-opus-6` reaches `claude-opus-6-20261201` and `claude-opus-6[1m]`, as a row of a price list does
    /// (farion1231/cc-switch#2390); one for a dated name reaches no other date.
    public func override(for model: String) -> PriceOverride? {
        guard !overrides.isEmpty else { return nil }
        if let exact = overrides[model.lowercased()] { return exact }
        return ModelName.undecorated(model).lazy.compactMap { overrides[$0] }.first
    }

    /// The user's price for a model that no list has, under any name that the model may have there: without a gateway's prefix, without
    /// Bedrock's region and the like, else without an ending that leaves the price as it is (``ModelAlias``).
    private func lastResort(for model: String) -> PriceOverride? {
        guard !overrides.isEmpty, let name = ModelName(model) else { return nil }
        let spellings = name.spellings.filter { !$0.isFast }.map(\.text)
        return spellings.lazy.compactMap { overrides[$0] }.first
            ?? spellings.lazy.compactMap { override(withoutEndingOf: $0) }.first
    }

    /// A name may lose one ending after the other, each of which makes it shorter or another one's beginning.
    private func override(withoutEndingOf name: String) -> PriceOverride? {
        for base in ModelAlias.bases(of: name) {
            for form in [base] + ModelName.undecorated(base) {
                if let found = overrides[form] ?? override(withoutEndingOf: form) { return found }
            }
        }
        return nil
    }

    /// The user's price that a model has, by whatever rule; nil when it has none of the user's.
    func effectiveOverride(for model: String, provider: String? = nil) -> PriceOverride? {
        guard !overrides.isEmpty else { return nil }
        if let override = override(for: model) { return override }
        return row(for: model, provider: provider) == nil ? lastResort(for: model) : nil
    }

    private func published(model: String, provider: String?) -> PriceHistory? {
        if let found = row(for: model, provider: provider) { return found }
        guard let name = listed(model, provider) else { return nil }
        return alias(of: name, scopes: (provider.map(ProviderScope.scopes) ?? []) + name.impliedScopes)
    }

    /// A model's name where a price list may have it; nil for a model that runs locally.
    private func listed(_ model: String, _ provider: String?) -> ModelName? {
        if let provider, ProviderScope.isLocal(provider) { return nil }
        guard let name = ModelName(model), !name.impliedScopes.contains(where: ProviderScope.isLocal) else {
            return nil
        }
        return name
    }

    /// The rows of the price lists that are the model's own, not those of a model that it is billed as.
    private func row(for model: String, provider: String?) -> PriceHistory? {
        guard let name = listed(model, provider) else { return nil }
        let own = provider.map(ProviderScope.scopes) ?? []
        if let found = find(name, in: own, allowsFree: true) { return found }
        if let found = find(name, in: name.impliedScopes, allowsFree: false) { return found }
        for spelling in name.spellings {
            let scopes = ProviderScope.firstParty(of: spelling.text)
            if let found = find(spelling, in: scopes, allowsFree: false) { return found }
        }
        return nil
    }

    private func find(_ name: ModelName, in scopes: [String], allowsFree: Bool) -> PriceHistory? {
        for scope in scopes {
            for spelling in name.spellings {
                if let found = find(spelling, in: [scope], allowsFree: allowsFree) { return found }
            }
        }
        return nil
    }

    private func find(_ spelling: ModelName.Spelling, in scopes: [String], allowsFree: Bool) -> PriceHistory? {
        for scope in scopes {
            guard var history = history(scope: scope, model: spelling.text) else { continue }
            history.entries.removeAll { !$0.canPrice(allowsFree: allowsFree) }
            if spelling.isFast {
                // Without a factor for fast mode, `-fast` is part of the name of another model.
                history.entries.removeAll { $0.fastFactor == nil }
                for index in history.entries.indices { history.entries[index].isFastName = true }
            }
            if !history.entries.isEmpty { return history }
        }
        return nil
    }

    private func alias(of name: ModelName, scopes: [String]) -> PriceHistory? {
        for spelling in name.spellings {
            if let found = alias(of: spelling, scopes: scopes) { return found }
        }
        return nil
    }

    /// The prices of the model that an alias means; a name may lose one ending after the other, each of which makes it shorter.
    private func alias(of spelling: ModelName.Spelling, scopes: [String]) -> PriceHistory? {
        func find(_ model: String) -> PriceHistory? {
            let target = ModelName.Spelling(text: model, isFast: spelling.isFast)
            return self.find(target, in: scopes + ProviderScope.firstParty(of: model), allowsFree: false)
        }
        let entries = ModelAlias.periods(of: spelling.text).flatMap { period in
            find(period.model)?.clipped(from: period.from, until: period.until) ?? []
        }
        if !entries.isEmpty { return PriceHistory(entries: entries) }
        for base in ModelAlias.bases(of: spelling.text) {
            for form in [base] + ModelName.undecorated(base) {
                let shorter = ModelName.Spelling(text: form, isFast: spelling.isFast)
                if let found = find(form) ?? alias(of: shorter, scopes: scopes) { return found }
            }
        }
        return nil
    }
}
