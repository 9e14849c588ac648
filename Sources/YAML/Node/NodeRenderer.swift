// SPDX-License-Identifier: Apache-2.0

/// Writes nodes as YAML.
struct NodeRenderer {
    let secretKeys: SecretKeys?

    func document(_ node: Node) -> String {
        if let inline = inline(node, isSecret: false) { return inline + "\n" }
        return block(node, indent: 0, isSecret: false).joined(separator: "\n") + "\n"
    }

    /// Returns the lines of a list or mapping that is not empty.
    private func block(_ node: Node, indent: Int, isSecret: Bool) -> [String] {
        let padding = String(repeating: " ", count: indent)
        switch node {
        case .scalar: return []
        case .sequence(let sequence):
            return sequence.elements.flatMap { element -> [String] in
                if let inline = inline(element, isSecret: isSecret) { return ["\(padding)- \(inline)"] }
                var lines = block(element, indent: indent + 2, isSecret: isSecret)
                lines[0] = "\(padding)- " + lines[0].dropFirst(indent + 2)
                return lines
            }
        case .mapping(let mapping):
            return mapping.entries.flatMap { entry -> [String] in
                let isSecret = isSecret || secretKeys?.contains(entry.key.text) == true
                let key = padding + ScalarText.string(entry.key.text) + ":"
                guard let inline = inline(entry.value, isSecret: isSecret) else {
                    return [key] + block(entry.value, indent: indent + 2, isSecret: isSecret)
                }
                return [inline.isEmpty ? key : "\(key) \(inline)"]
            }
        }
    }

    /// Returns the text of a value that fits on the line of its key.
    private func inline(_ node: Node, isSecret: Bool) -> String? {
        switch node {
        case .scalar(let scalar): text(of: scalar, isSecret: isSecret)
        case .sequence(let sequence): sequence.elements.isEmpty ? "[]" : nil
        case .mapping(let mapping): mapping.entries.isEmpty ? "{}" : nil
        }
    }

    private func text(of scalar: Scalar, isSecret: Bool) -> String {
        guard secretKeys != nil else { return ScalarText.text(of: scalar) }
        let isSecret = isSecret || scalar.isSecret
        if let reference = scalar.reference {
            // The text around or inside the reference of a secret may be part of the secret itself.
            let written = Array(reference.unicodeScalars)
            let isPureReference = ConfigLine.endOfReference(in: written, at: 0) == written.count
            if isPureReference || !isSecret { return ScalarText.string(reference) }
        }
        return isSecret && scalar.resolved != .null && !scalar.text.isEmpty
            ? ScalarText.string("[redacted]") : ScalarText.text(of: scalar)
    }
}
