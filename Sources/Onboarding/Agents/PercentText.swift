// SPDX-License-Identifier: Apache-2.0

/// Lists of `name=value` in environment variables, whose values are percent-encoded (W3C Baggage).
enum PercentText {
    /// A value in which everything but letters, digits and `-._~` is encoded.
    static func encoded(_ text: String) -> String {
        var result = ""
        for byte in text.utf8 {
            switch byte {
            case 48...57, 65...90, 97...122, 45, 46, 95, 126: result.unicodeScalars.append(Unicode.Scalar(byte))
            default:
                let digits = String(byte, radix: 16, uppercase: true)
                result += "%" + (digits.count == 1 ? "0" : "") + digits
            }
        }
        return result
    }

    /// The entries of a list as written; text that is not an entry has an empty name.
    static func entries(_ list: String) -> [(name: String, text: String)] {
        list.split(separator: ",").map { part in
            let name = part.firstIndex(of: "=").map { part[..<$0] } ?? ""
            return (String(name.filter { $0 != " " }), String(part))
        }
    }

    /// The list with the entry of that name replaced, or added at its end.
    static func setting(_ name: String, to value: String, in list: String, ignoringCase: Bool = false) -> String {
        var entries = entries(list)
        let place = entries.firstIndex {
            ignoringCase ? $0.name.lowercased() == name.lowercased() : $0.name == name
        }
        if let place { entries[place].text = "\(name)=\(value)" } else { entries.append((name, "\(name)=\(value)")) }
        return entries.map(\.text).joined(separator: ",")
    }
}
