// SPDX-License-Identifier: Apache-2.0

public import HTTPTypes

/// How a circle of collectors that forward to each other is cut.
///
/// A request says through how many collectors its records have come. What has come through too many is not taken: it would go round for
/// ever. A circle within one configuration is an error before the start; one over several machines cannot be seen in any of their
/// configurations.
public enum HopLimit {
    /// The field of a request with the number of collectors.
    public static let fieldName = "X-Hammurabi-Hops"
    private static let field = HTTPField.Name(fieldName)
    /// Through as many collectors may records come.
    public static let most = 8

    /// Through how many collectors the records of a request have come: 0 where it does not say so; 255 at most.
    ///
    /// A proxy may join several fields with commas (RFC 9110 §5.3), and the largest number counts.
    public static func hops(of fields: HTTPFields) -> Int {
        guard let field, let text = fields[field] else { return 0 }
        return text.split(separator: ",").reduce(0) { most, part in
            let digits = part.drop { $0 == " " || $0 == "\t" }.prefix { $0 != " " && $0 != "\t" }
            guard !digits.isEmpty, digits.utf8.allSatisfy({ (48...57).contains($0) }) else { return most }
            return max(most, min(Int(digits) ?? 255, 255))
        }
    }
}
