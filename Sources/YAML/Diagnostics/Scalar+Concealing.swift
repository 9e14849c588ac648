// SPDX-License-Identifier: Apache-2.0

extension Scalar {
    /// Returns what is said about this value, without the value when it came from the environment or a file.
    public func concealing(_ message: String) -> String {
        isSecret || isSecretSource ? concealed(in: message) ?? message : message
    }

    /// Returns a message without this value in it; nil when the value is not there.
    ///
    /// A value that is one reference is named by it, any other becomes asterisks.
    func concealed(in message: String) -> String? {
        guard !text.isEmpty else { return nil }
        // A long value is quoted in part only.
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
    /// Returns what a component says about one of its values, without the value when it came from the environment or a file.
    public func concealing(_ text: String, at path: [String]) -> String {
        value(at: path)?.scalar?.concealing(text) ?? text
    }
}
