// SPDX-License-Identifier: Apache-2.0

/// A single value: its text and how it was written.
///
/// The meaning of the text is decided by the type it is decoded into: `0123` is the number 123 for a number and the
/// text `0123` for a string.
public struct Scalar: Hashable, Sendable {
    /// How the text was written.
    public enum Style: Hashable, Sendable {
        /// Without quotes: may be a number, a boolean or null.
        case plain
        /// In quotes or as a block: always a string.
        case quoted
    }

    /// An explicit tag of the core schema.
    public enum Tag: String, Hashable, Sendable, CaseIterable {
        /// `!!str`
        case string = "str"
        /// `!!int`
        case integer = "int"
        /// `!!float`
        case float
        /// `!!bool`
        case boolean = "bool"
        /// `!!null`
        case null
    }

    /// The text after unescaping and substitution.
    public var text: String
    /// How the text was written.
    public var style: Style
    /// The explicit tag, which takes precedence over the style.
    public var tag: Tag?
    /// The position of the value.
    public var mark: Mark
    /// The text before substitution, when the value came from the environment or a file, such as `${env:API_KEY}`.
    public var reference: String?
    /// Whether substitution failed and was reported: the decoder uses the default without another error.
    public var isUnresolved = false
    /// Whether the value must not be shown.
    public var isSecret = false
    /// The type of the value, known for encoded defaults only.
    public var valueType: ValueType?

    /// Creates a value.
    public init(_ text: String, style: Style = .plain, tag: Tag? = nil, mark: Mark) {
        self.text = text
        self.style = style
        self.tag = tag
        self.mark = mark
    }

    /// Whether the value came from outside the configuration and may be secret whatever its key is.
    public var isSecretSource: Bool { reference != nil }
}

// MARK: - Concealing

extension Scalar {
    /// Returns a message about this value, without the value when it came from the environment or a file.
    public func concealing(_ message: String) -> String {
        isSecret || isSecretSource ? concealed(in: message) ?? message : message
    }

    /// Returns a message without this value; nil when the message does not contain it.
    ///
    /// A value that is one reference is replaced by the reference, any other by asterisks.
    func concealed(in message: String) -> String? {
        guard !text.isEmpty else { return nil }
        // Only a part of a long value is quoted.
        let whole = quoted(text)
        guard message.contains(whole) else {
            return message.contains(text) ? message.replacing(text, with: "*****") : nil
        }
        guard let reference, ConfigLine.isPureReference(reference), !message.replacing(whole, with: "").contains(text)
        else {
            return message.replacing(whole, with: "\"*****\"").replacing(text, with: "*****")
        }
        return (message.hasPrefix(whole) ? "the value of " : "") + message.replacing(whole, with: reference)
    }
}

extension ConfigLocations {
    /// Returns a component's message about one of its values, without the value when it came from the environment or a file.
    public func concealing(_ text: String, at path: [String]) -> String {
        value(at: path)?.scalar?.concealing(text) ?? text
    }
}
