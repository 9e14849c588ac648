// SPDX-License-Identifier: Apache-2.0

import CollectorTesting
import Testing

@testable import TokensProcessor

/// What programs print of an object with figures, and what is none.
struct PrintedObjectTests {
    private static func read(_ text: String) -> PrintedObject { PrintedObject(Array(text.utf8)[...]) }

    private static let figures = ["prompt_tokens": 1_000.0, "prompt_tokens_details.cached_tokens": 900]

    @Test(arguments: [
        #"{"prompt_tokens":1000,"prompt_tokens_details":{"cached_tokens":900}}"#,
        #"{"prompt_tokens":"1000","prompt_tokens_details":{"cached_tokens":"9e2"}}"#,
        #"{"prompt_tokens":1000.0,"x":[1,{"prompt_tokens":7},["\u00e9\"]"]],"prompt_tokens_details":{"cached_tokens":900}}"#,
        #"{"prompt_tokens":1000,"prompt_tokens_details":"{\"cached_tokens\":900}"}"#,
        #""{\"prompt_tokens\":1000,\"prompt_tokens_details\":{\"cached_tokens\":900}}""#,
        // Python: LiteLLM's dictionary, with objects in it or around it, by version.
        "{'prompt_tokens': 1000, 'prompt_tokens_details': {'cached_tokens': 900, 'audio_tokens': None}, 'b': True}",
        "{'prompt_tokens': 1000, 'prompt_tokens_details': PromptTokensDetailsWrapper(audio_tokens=None, cached_tokens=900)}",
        "Usage(prompt_tokens=1000, total=None, prompt_tokens_details=PromptTokensDetailsWrapper(cached_tokens=900))",
        "litellm.types.Usage(prompt_tokens=1000, prompt_tokens_details={'cached_tokens': 900,},)",
        "{'prompt_tokens': 1000, 'cost': nan, 'x': float('inf'), 'y': -inf, 'prompt_tokens_details': {'cached_tokens': 900}}",
        #"{'n': 'it\'s \x41', 'prompt_tokens': 1000, 'prompt_tokens_details': {'cached_tokens': 900}}"#,
        #"{'n': "it's", b'raw': b'\xff', 'prompt_tokens': Decimal('1000'), 'prompt_tokens_details': {'cached_tokens': 900}}"#,
        "{'kind': <Kind.A: 'a'>, 'ids': (1,), 'at': datetime.date(2026, 1, 2), 'prompt_tokens': 1000, "
            + "'prompt_tokens_details': Counter({'cached_tokens': 900})}",
        // JavaScript, Rust and Java.
        "{\n  prompt_tokens: 1000,\n  x: [Object],\n  prompt_tokens_details: { cached_tokens: 900 }\n}",
        "Usage { prompt_tokens: 1000, n: None, prompt_tokens_details: Some(Details { cached_tokens: Some(900) }) }",
        "Usage[prompt_tokens=1000, prompt_tokens_details=Details[cached_tokens=900]]",
    ])
    func `every way to print an object is read alike`(text: String) {
        let found = Self.read(text)
        #expect(found.numbers.filter { Self.figures[$0.key] != nil } == Self.figures)
        #expect(found.numbers["x.prompt_tokens"] == nil && found.numbers["x"] == nil)
        #expect(!found.isUnread)
        // Half of it says nothing that can be relied on.
        for length in 1..<text.utf8.count { #expect(PrintedObject(Array(text.utf8)[..<length]).numbers.isEmpty) }
    }

    @Test(arguments: [
        "{", "{'a': 1", #"{"a":1}}"#, #"{"a":1,,}"#, #"{"a" 1}"#, "Usage(", "Usage(a=1", "'a", "{'a': 0x10}", "<Usage",
        "see it",
        #"{"input_tokens":"many"}"#, #"{"input_tokens":"12,345"}"#, #"{"prompt_tokens_details":"cached 4"}"#,
        String(repeating: "{'a': ", count: 100), String(repeating: "(", count: 100),
    ])
    func `what cannot be read is known as such`(text: String) {
        let found = Self.read(text)
        #expect(found.numbers.isEmpty && found.isUnread)
    }

    @Test(arguments: [
        "", " ", "{}", "null", "None", "[]", "()", "{'model': 'gpt', 'input_tokens': None, 'n': ''}", "[1, 2]",
    ])
    func `what says nothing lacks nothing`(text: String) {
        let found = Self.read(text)
        #expect(found.numbers.isEmpty && !found.isUnread)
    }

    @Test func `no text is too strange`() {
        var random = SeededGenerator(seed: 9)
        let signs = Array(#"{}[]()<>'":=,.-+\ux 01e9abNone"#.utf8)
        for _ in 0..<20_000 {
            let text = (0..<Int.random(in: 0..<40, using: &random)).map { _ in signs.randomElement(using: &random) ?? 0
            }
            let found = PrintedObject(text[...])
            let areFinite = found.numbers.values.allSatisfy(\.isFinite)
            #expect(areFinite)
        }
    }
}
