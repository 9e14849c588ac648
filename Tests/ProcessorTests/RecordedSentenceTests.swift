// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import Foundation
import OTLP
import RedactionProcessor
import Testing

/// Searches every sentence of four words or more of real requests in the redacted ones.
@Suite struct RecordedSentenceTests {
    /// Requests of real programs, and in `Clients.json` hand-written examples of others with their own attributes.
    static let recordings: [String] = {
        let tests = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        let folders = ["ProcessorTests/Fixtures", "TokensProcessorTests/Fixtures", "EndToEndTests/Fixtures/forwarding"]
        return folders.flatMap { folder -> [String] in
            let path = tests.appending(path: folder).path
            let names = (try? FileManager.default.subpathsOfDirectory(atPath: path)) ?? []
            return names.filter { name in Signal.allCases.contains { name.contains($0.rawValue) } }
                .map { "\(path)/\($0)" }
        }.filter {
            !$0.hasSuffix("/")
                && (try? FileManager.default.attributesOfItem(atPath: $0)[.type] as? FileAttributeType) == .typeRegular
        }
        .sorted()
    }()

    @Test func `there are recordings, and they hold sentences`() throws {
        #expect(Self.recordings.count > 40)
        let sentences = try Self.recordings.reduce(into: Set<String>()) { $0.formUnion(try Self.sentences(in: $1)) }
        #expect(sentences.count > 100, "\(sentences.count)")
    }

    @Test(arguments: recordings)
    func `no sentence of a recording is left`(path: String) throws {
        let sentences = try Self.sentences(in: path)
        var batch = try Self.batch(path)
        let records = batch.otlp.recordCount
        try ComponentFactory.redaction.makeProcessor(RedactionConfig(), settings("redaction")).process(&batch)
        let left = Self.texts(of: try batch.otlp.sent()).joined(separator: "\n")
        let encoded = String(decoding: batch.otlp.encoded(), as: UTF8.self)
        for sentence in sentences {
            #expect(!left.contains(sentence) && !encoded.contains(sentence), "\(sentence)")
        }
        #expect(batch.otlp.recordCount == records)
        let names = (0..<batch.otlp.records.count).map { batch.name(ofRecord: $0) }.joined(separator: "\n")
        #expect(!sentences.contains { names.contains($0) })
    }

    private static func batch(_ path: String) throws -> Batch {
        let file = [UInt8](try Data(contentsOf: URL(filePath: path)))
        let bytes = file.starts(with: [0x1f, 0x8b]) ? try Gzip.inflate(file, limit: 1 << 26) : file
        let name = URL(filePath: path).lastPathComponent
        let signal = try #require(Signal.allCases.first { name.contains($0.rawValue) })
        let isJSON = bytes.first { $0 > 32 } == UInt8(ascii: "{")
        let otlp = isJSON ? try OTLPBatch(signal: signal, json: bytes) : try OTLPBatch(signal: signal, protobuf: bytes)
        return Batch(otlp, receivedAt: arrival)
    }

    /// The sentences in all texts of a recording, including those inside JSON texts.
    private static func sentences(in path: String) throws -> Set<String> {
        let batch = try batch(path)
        var found: Set<String> = []
        for text in texts(of: String(decoding: batch.otlp.json(), as: UTF8.self)) {
            for line in text.split(whereSeparator: { $0.isNewline || "\"'{}[]".contains($0) }) {
                for part in line.split(separator: ". ") {
                    let words = part.split(separator: " ")
                    guard words.count >= 4, words.contains(where: { $0.contains(where: \.isLetter) }) else { continue }
                    found.insert(words.prefix(8).joined(separator: " "))
                }
            }
        }
        return found
    }

    /// The strings in a JSON text, and in nested JSON texts.
    private static func texts(of json: String, depth: Int = 0) -> [String] {
        guard let value = try? JSONSerialization.jsonObject(with: Data(json.utf8), options: .fragmentsAllowed) else {
            return []
        }
        return texts(in: value, depth: depth)
    }

    private static func texts(in value: Any, depth: Int) -> [String] {
        switch value {
        case let text as String:
            let isJSON = depth < 6 && (text.hasPrefix("{") || text.hasPrefix("[") || text.hasPrefix("\""))
            return [text] + (isJSON ? texts(of: text, depth: depth + 1) : [])
        case let list as [Any]: return list.flatMap { texts(in: $0, depth: depth) }
        case let members as [String: Any]:
            return members.flatMap { [$0.key] + texts(in: $0.value, depth: depth) }
        default: return []
        }
    }
}
