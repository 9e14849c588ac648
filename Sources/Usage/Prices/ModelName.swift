// SPDX-License-Identifier: Apache-2.0

/// The names under which a price list may have a decorated model name.
struct ModelName {
    /// A name to look up.
    struct Spelling: Hashable {
        var text: String
        /// Whether `-fast` was taken off.
        var isFast = false
    }

    /// The longest name that is looked at; longer ones are no models.
    static let longest = 256

    /// The most spellings that are tried; real names have fewer than sixty.
    private static let most = 128

    /// The name in lower case, as it was given.
    let text: String
    /// Every spelling, the least changed first; never a part of a name, only a name without known decoration.
    let spellings: [Spelling]

    /// Takes a model's name apart; nil when it cannot be one.
    init?(_ name: String) {
        guard !name.isEmpty, name.utf8.count <= Self.longest, !name.utf8.contains(where: { $0 <= 0x20 || $0 == 0x7F })
        else { return nil }
        text = name.lowercased()
        var spellings = [Spelling(text: text)]
        var seen = Set(spellings)
        var next = 0
        // Breadth first, so that what is less changed comes first. Every step shortens the name or swaps one sign, so
        // it ends.
        while next < spellings.count, spellings.count < Self.most {
            for found in Self.simpler(spellings[next]) where !found.text.isEmpty && seen.insert(found).inserted {
                spellings.append(found)
            }
            next += 1
        }
        self.spellings = spellings
    }

    /// The names of the same model without date, context size and `-latest`, and with dots or dashes in its version: the least changed
    /// first, all in lower case, the name itself left out.
    ///
    /// These say nothing of who serves the model, so that a price for a name holds for them as well.
    static func undecorated(_ name: String) -> [String] {
        guard name.utf8.count <= longest else { return [] }
        var forms = [name.lowercased()]
        var next = 0
        while next < forms.count, forms.count < 16 {
            let steps = [withoutContextSize, withoutDate, withoutShortDate, withoutLatest, withDashes, withDots]
            for form in steps.compactMap({ $0(forms[next]) }) where !form.isEmpty && !forms.contains(form) {
                forms.append(form)
            }
            next += 1
        }
        return Array(forms.dropFirst())
    }

    /// The names of the same model without what its vendor's own interface and the clouds that sell it as it is add to them, too: the
    /// vendor in front (`openai/`), Bedrock's region, vendor and version, and Vertex' version; the least changed first.
    ///
    /// What a gateway puts in front of a name (`openrouter/`) stays: a gateway has prices of its own.
    static func ofOneModel(_ name: String) -> [String] {
        guard name.utf8.count <= longest else { return [] }
        var forms = [name.lowercased()]
        var seen = Set(forms)
        var next = 0
        while next < forms.count, forms.count < most {
            let steps = [
                withoutContextSize, withoutVendor, withoutBedrockRegion, withoutBedrockRelease, withoutBedrockVendor,
                withoutVertexVersion, withoutDate, withoutShortDate, withoutLatest, withDashes, withDots,
            ]
            for form in steps.compactMap({ $0(forms[next]) }) where !form.isEmpty && seen.insert(form).inserted {
                forms.append(form)
            }
            next += 1
        }
        return Array(forms.dropFirst())
    }

    /// Whether two names can be those of one model: one is the other without a date, a context size or `-latest`, or with dots for dashes.
    ///
    /// An agent's own store has the name that the user chose (`claude-sonnet-4-5`, Copilot's `claude-sonnet-4.5`), telemetry that of the answer
    /// (`claude-sonnet-4-5-20250929`).
    static func areOne(_ left: String, _ right: String) -> Bool {
        if left == right { return true }
        let (left, right) = (left.lowercased(), right.lowercased())
        return left == right || undecorated(left).contains(right) || undecorated(right).contains(left)
    }

    /// The price lists that the name itself points to: a prefix before a slash, or the form of Bedrock's or Vertex'
    /// names.
    var impliedScopes: [String] {
        var scopes: [String] = []
        if let slash = text.firstIndex(of: "/") { scopes = ProviderScope.scopes(of: String(text[..<slash])) }
        let last = text.lastIndex(of: "/").map { String(text[text.index(after: $0)...]) } ?? text
        if Self.withoutBedrockVendor(Self.withoutBedrockRegion(last) ?? last) != nil { scopes.append("bedrock") }
        if Self.withoutVertexVersion(last) != nil { scopes.append("vertex_ai") }
        return scopes
    }

    private static func simpler(_ spelling: Spelling) -> [Spelling] {
        let steps = [
            withoutContextSize, withoutPrefix, withoutFineTune, withoutBedrockRegion, withoutBedrockRevision,
            withoutBedrockVersion,
            withoutBedrockVendor, withoutVertexVersion, withDashes, withDots, withoutDate, withoutLatest,
            withoutGeminiVersion,
        ]
        var found = steps.compactMap { $0(spelling.text) }.map { Spelling(text: $0, isFast: spelling.isFast) }
        if let base = without(suffix: "-fast", spelling.text) { found.append(Spelling(text: base, isFast: true)) }
        return found
    }
}

/// The steps, each nil when it does not apply.
extension ModelName {
    /// `claude-opus-5[1m]` → `claude-opus-5`.
    private static func withoutContextSize(_ name: String) -> String? { without(suffix: "[1m]", name) }

    /// `openrouter/anthropic/claude-opus-5` → `anthropic/claude-opus-5`.
    private static func withoutPrefix(_ name: String) -> String? {
        name.firstIndex(of: "/").map { String(name[name.index(after: $0)...]) }
    }

    /// `anthropic/claude-opus-5` and `bedrock/claude-opus-5` → `claude-opus-5`; `openrouter/…` stays.
    private static func withoutVendor(_ name: String) -> String? {
        guard let slash = name.firstIndex(of: "/") else { return nil }
        let rest = String(name[name.index(after: slash)...])
        let last = rest.split(separator: "/").last.map(String.init) ?? rest
        let bare = withoutBedrockVendor(withoutBedrockRegion(last) ?? last) ?? last
        let sellers = ProviderScope.firstParty(of: bare) + ["bedrock", "vertex_ai"]
        return ProviderScope.scopes(of: String(name[..<slash])).contains(where: sellers.contains) ? rest : nil
    }

    /// `anthropic.claude-opus-4-5-v1:0` → `anthropic.claude-opus-4-5`.
    private static func withoutBedrockRelease(_ name: String) -> String? {
        withoutBedrockVersion(withoutBedrockRevision(name) ?? name)
    }

    /// `ft:gpt-4o-2024-08-06:org::id` → `ft:gpt-4o-2024-08-06`.
    private static func withoutFineTune(_ name: String) -> String? {
        let parts = name.split(separator: ":", omittingEmptySubsequences: false)
        return name.hasPrefix("ft:") && parts.count > 2 ? "ft:\(parts[1])" : nil
    }

    /// `us.anthropic.claude-opus-5` → `anthropic.claude-opus-5`.
    private static func withoutBedrockRegion(_ name: String) -> String? {
        for region in ["us.", "eu.", "apac.", "global.", "jp.", "au.", "ca.", "us-gov."] where name.hasPrefix(region) {
            return String(name.dropFirst(region.count))
        }
        return nil
    }

    /// `anthropic.claude-opus-5` → `claude-opus-5`.
    private static func withoutBedrockVendor(_ name: String) -> String? {
        for vendor in bedrockVendors where name.hasPrefix(vendor) { return String(name.dropFirst(vendor.count)) }
        return nil
    }

    /// `…-v1:0` → `…-v1`, and `…:0:200k` → `…:0`.
    private static func withoutBedrockRevision(_ name: String) -> String? {
        guard let colon = name.lastIndex(of: ":") else { return nil }
        var digits = name[name.index(after: colon)...]
        if digits.last == "k" { digits.removeLast() }
        return isDigits(digits) ? String(name[..<colon]) : nil
    }

    /// `…-v1` → `…`.
    private static func withoutBedrockVersion(_ name: String) -> String? {
        guard let dash = name.lastIndex(of: "-"), name[dash...].hasPrefix("-v"), isDigits(name[dash...].dropFirst(2))
        else { return nil }
        return String(name[..<dash])
    }

    /// `claude-opus-4-5@20251101` → `claude-opus-4-5`.
    private static func withoutVertexVersion(_ name: String) -> String? {
        // An `@` at the beginning is a namespace (`@cf/...`), not a version.
        guard let sign = name.lastIndex(of: "@"), sign != name.startIndex, !name[sign...].contains("/") else {
            return nil
        }
        return String(name[..<sign])
    }

    /// `…-20250929` and `…-2025-09-29` → `…`.
    private static func withoutDate(_ name: String) -> String? {
        let bytes = Array(name.utf8)
        for form in ["-dddddddd", "-dddd-dd-dd"] where bytes.count > form.utf8.count {
            let matches = zip(bytes.suffix(form.utf8.count), form.utf8).allSatisfy { byte, sign in
                sign == UInt8(ascii: "d") ? isDigit(byte) : byte == sign
            }
            let year = bytes[bytes.count - form.utf8.count + 1]
            if matches, year == UInt8(ascii: "2") {
                return String(decoding: bytes.dropLast(form.utf8.count), as: UTF8.self)
            }
        }
        return nil
    }

    /// `grok-4-0709`, `gpt-4-0613` (month and day) and `mistral-large-2411` (year and month) → what is before.
    ///
    /// Not for price lists: theirs is the price of the name as it is there, and an older release can have another.
    private static func withoutShortDate(_ name: String) -> String? {
        let bytes = Array(name.utf8.suffix(5))
        guard bytes.count == 5, name.utf8.count > 5, bytes[0] == UInt8(ascii: "-"),
            bytes.dropFirst().allSatisfy(isDigit)
        else { return nil }
        let digits = bytes.dropFirst().map { Int($0) - 48 }
        let (first, second) = (digits[0] * 10 + digits[1], digits[2] * 10 + digits[3])
        let isMonthAndDay = (1...12).contains(first) && (1...31).contains(second)
        let isYearAndMonth = (23...39).contains(first) && (1...12).contains(second)
        return isMonthAndDay || isYearAndMonth ? String(name.dropLast(5)) : nil
    }

    private static func withoutLatest(_ name: String) -> String? { without(suffix: "-latest", name) }

    /// `gemini-2.5-pro-001` → `gemini-2.5-pro`.
    private static func withoutGeminiVersion(_ name: String) -> String? {
        name.contains("gemini") ? without(suffix: "-001", name) : nil
    }

    /// `claude-opus-4.8` → `claude-opus-4-8`.
    private static func withDashes(_ name: String) -> String? { swapping(UInt8(ascii: "."), UInt8(ascii: "-"), name) }

    /// `claude-opus-4-8` → `claude-opus-4.8`.
    private static func withDots(_ name: String) -> String? { swapping(UInt8(ascii: "-"), UInt8(ascii: "."), name) }

    /// Replaces a sign between two single digits in the names of Claude models.
    private static func swapping(_ old: UInt8, _ new: UInt8, _ name: String) -> String? {
        guard name.contains("claude") else { return nil }
        var bytes = Array(name.utf8)
        for index in bytes.indices.dropFirst().dropLast() where bytes[index] == old {
            let follower = index + 2 < bytes.count ? bytes[index + 2] : 0
            guard isDigit(bytes[index - 1]), isDigit(bytes[index + 1]), !isDigit(follower) else { continue }
            bytes[index] = new
        }
        let changed = String(decoding: bytes, as: UTF8.self)
        return changed == name ? nil : changed
    }

    private static func without(suffix: String, _ name: String) -> String? {
        name.hasSuffix(suffix) ? String(name.dropLast(suffix.count)) : nil
    }

    private static func isDigits(_ text: Substring) -> Bool { !text.isEmpty && text.utf8.allSatisfy(isDigit) }

    private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }

    private static let bedrockVendors = [
        "ai21.", "amazon.", "anthropic.", "cohere.", "deepseek.", "google.", "meta.", "minimax.", "mistral.",
        "moonshot.", "moonshotai.",
        "nvidia.", "openai.", "qwen.", "stability.", "writer.", "xai.", "zai.",
    ]
}
