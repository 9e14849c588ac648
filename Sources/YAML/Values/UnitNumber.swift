// SPDX-License-Identifier: Apache-2.0

/// Parses decimal numbers with units to a count of the smallest unit, without rounding errors or overflow.
struct UnitNumber {
    /// The number of smallest units in each unit, by name.
    let units: [String: Int64]

    enum Failure: Error, Equatable {
        case noNumber
        case missingUnit
        case unknownUnit(String)
        case overflow
    }

    /// Reads one number with its unit from the front of the text.
    func read(_ text: inout Substring) throws(Failure) -> Int64 {
        let whole = text.prefix(while: Self.isDigit)
        text = text[whole.endIndex...]
        var fraction: Substring = ""
        if text.first == ".", !whole.isEmpty {
            fraction = text.dropFirst().prefix(while: Self.isDigit)
            guard !fraction.isEmpty else { throw .noNumber }
            text = text[fraction.endIndex...]
        }
        guard !whole.isEmpty else { throw .noNumber }
        let name = text.prefix { $0.isLetter }
        text = text[name.endIndex...]
        guard !name.isEmpty else { throw .missingUnit }
        guard let unit = units[String(name)] else { throw .unknownUnit(String(name)) }
        guard let number = Int64(whole) else { throw .overflow }
        let (product, isOverflow) = number.multipliedReportingOverflow(by: unit)
        let (sum, isSumOverflow) = product.addingReportingOverflow(Self.part(fraction, of: unit))
        guard !isOverflow, !isSumOverflow else { throw .overflow }
        return sum
    }

    /// Returns the fraction of a unit, truncated to smallest units; 15 digits are more than any unit needs.
    private static func part(_ digits: Substring, of unit: Int64) -> Int64 {
        var result: Int128 = 0
        var scale: Int128 = 1
        for digit in digits.prefix(15) {
            result = result * 10 + Int128(digit.wholeNumberValue ?? 0)
            scale *= 10
        }
        return Int64(clamping: result * Int128(unit) / scale)
    }

    private static func isDigit(_ character: Character) -> Bool { ("0"..."9").contains(character) }
}
