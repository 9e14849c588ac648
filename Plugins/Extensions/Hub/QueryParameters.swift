// SPDX-License-Identifier: Apache-2.0

import CollectorKit

/// The parameters of an address; an empty one is as good as none, as forms send them.
struct QueryParameters {
    private let values: [String: String]

    init(_ request: ServerRequest) {
        values = request.query.filter { !$0.value.isEmpty }
    }

    subscript(name: String) -> String? { values[name] }

    /// One of a few words.
    func choice<Choice: RawRepresentable<String> & CaseIterable>(_ name: String, of type: Choice.Type) throws(APIError)
        -> Choice?
    {
        guard let text = values[name] else { return nil }
        guard let choice = Choice(rawValue: text) else {
            throw .invalid("\(name) must be one of \(Choice.allCases.map(\.rawValue).joined(separator: ", "))")
        }
        return choice
    }

    /// A whole number in a range.
    func integer(_ name: String, in range: ClosedRange<Int>) throws(APIError) -> Int? {
        guard let text = values[name] else { return nil }
        guard let number = Int(text), range.contains(number) else {
            throw .invalid("\(name) must be a whole number from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }
}
