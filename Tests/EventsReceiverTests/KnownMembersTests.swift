// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import EventsReceiver

/// The part of a body that remains when unknown members are skipped.
struct KnownMembersTests {
    private func known(_ text: String, most: Int = 2) throws -> (json: String, count: Int) {
        let known = try KnownMembers(Array(text.utf8), names: ["id", "model"], most: most)
        return (String(decoding: known.json, as: UTF8.self), known.count)
    }

    @Test(arguments: [
        (#"{"id":"a"}"#, #"{"id":"a"}"#, 1), (#" { "x" : 1 , "id" : "\"\u00e9" } "#, #"{"id":"\"\u00e9"}"#, 1),
        (#"{"x":{"id":[1,{"y":"}"}]},"model":null}"#, #"{"model":null}"#, 1),
        (#"{"id":[1,{}],"model":-1.5e+3}"#, #"{"id":[],"model":-1.5e+3}"#, 1),
        (#"{"\u0069d":1,"ide":2}"#, #"{"\u0069d":1}"#, 1), ("[]", "[]", 0),
        (#"[{},{"id":1},{"id":2}]"#, #"[{},{"id":1}]"#, 3),
        (#"[1,"a"]"#, "[0,0]", 2), ("null", "0", 1), (#"{"x":[[],[[]],{"a":{}}],"id":0}"#, #"{"id":0}"#, 1),
    ])
    func `members without a meaning go`(body: String, expected: String, count: Int) throws {
        let found = try known(body)
        #expect(found == (expected, count))
    }

    @Test(arguments: [
        "", "{", "[", "{}x", "[{}", "[{},]", #"{"id":1,}"#, #"{"x":[1,]}"#, #"{"x":{"a":1,}}"#, #"{"x":01}"#,
        #"{"x":1.}"#,
        #"{"x":+1}"#, #"{"x":tru}"#, #"{"x":"\q"}"#, #"{"x":"\u00g0"}"#, "{\"x\":\"\n\"}", #"{"x"}"#, #"{"x":}"#,
        #"{x:1}"#, "{'x':1}",
        #"{"x":[}]"#, #"{"x":{]}"#, #"{"x":NaN}"#, "\u{FEFF}{}",
    ])
    func `skipped values are checked`(body: String) {
        #expect(throws: KnownMembers.Fault.self) { try known(body) }
    }

    @Test func `depth and repetition are bounded`() throws {
        let deep = String(repeating: "[", count: 600) + String(repeating: "]", count: 600)
        #expect(throws: KnownMembers.Fault.self) { try known("{\"x\":\(deep)}") }
        let often = repeatElement("\"id\":1", count: 200).joined(separator: ",")
        #expect(throws: KnownMembers.Fault.self) { try known("{\(often)}") }
    }
}
