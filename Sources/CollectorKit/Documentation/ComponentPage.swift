// SPDX-License-Identifier: Apache-2.0

/// The documentation of a component: the README of its folder.
public struct ComponentPage: Sendable, Hashable {
    /// The kind of the component.
    public let kind: ComponentKind
    /// Its type in a configuration, such as `otlp`.
    public let type: String
    /// The text, Markdown.
    public let text: String

    /// Creates a page.
    public init(kind: ComponentKind, type: String, text: String) {
        self.kind = kind
        self.type = type
        self.text = text
    }

    /// The purpose of the component: the first paragraph; empty when there is none.
    public var purpose: String {
        for case .paragraph(let text) in Markdown(text).blocks { return text }
        return ""
    }
}
