// SPDX-License-Identifier: Apache-2.0

/// A key of a configuration file as a coding key, and the rule by which Swift names become such keys.
struct ConfigKey: CodingKey {
    let stringValue: String
    let intValue: Int?

    init(stringValue: String) {
        self.stringValue = stringValue
        self.intValue = nil
    }

    init(intValue: Int) {
        self.init(index: intValue)
    }

    init(index: Int) {
        self.stringValue = String(index)
        self.intValue = index
    }

    /// Returns the key in the file for a coding key: `maxRequestBodySize` and `clientCAFile` become
    /// `max_request_body_size` and `client_ca_file`; a key that is already in snake case stays.
    static func name(of key: some CodingKey) -> String {
        let letters = Array(key.stringValue)
        var name = ""
        for (index, letter) in letters.enumerated() {
            if letter.isUppercase, index > 0, letters[index - 1] != "_" {
                let endsAcronym = index + 1 < letters.count && letters[index + 1].isLowercase
                if !letters[index - 1].isUppercase || endsAcronym { name += "_" }
            }
            name += letter.lowercased()
        }
        return name
    }
}
