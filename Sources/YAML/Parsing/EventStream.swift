// SPDX-License-Identifier: Apache-2.0

import CLibYAML

/// The parser events of one YAML text: the only type that uses libyaml.
struct EventStream: ~Copyable {
    private let parser: UnsafeMutablePointer<yaml_parser_t>
    private let input: UnsafeMutableBufferPointer<UInt8>

    /// Starts parsing bytes that are UTF-8, or returns nil when libyaml has no memory.
    init?(_ bytes: [UInt8]) {
        // libyaml keeps both pointers, so neither may move.
        parser = .allocate(capacity: 1)
        input = .allocate(capacity: bytes.count)
        _ = input.initialize(from: bytes)
        guard yaml_parser_initialize(parser) == 1 else {
            parser.deallocate()
            input.deallocate()
            return nil
        }
        yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING)
        yaml_parser_set_input_string(parser, UnsafePointer(input.baseAddress), bytes.count)
    }

    deinit {
        yaml_parser_delete(parser)
        parser.deallocate()
        input.deallocate()
    }

    /// Returns the next event; after the end of the stream it repeats `streamEnd`.
    mutating func next() throws(SyntaxProblem) -> ParserEvent {
        var event = yaml_event_t()
        guard yaml_parser_parse(parser, &event) == 1 else { throw problem() }
        defer { yaml_event_delete(&event) }
        return Self.translate(event)
    }

    private static func translate(_ event: yaml_event_t) -> ParserEvent {
        switch event.type {
        case YAML_STREAM_START_EVENT: make(.streamStart, event)
        case YAML_DOCUMENT_START_EVENT: make(.documentStart, event)
        case YAML_DOCUMENT_END_EVENT: make(.documentEnd, event)
        case YAML_ALIAS_EVENT: make(.alias(string(event.data.alias.anchor) ?? ""), event)
        case YAML_SCALAR_EVENT:
            make(
                .scalar(
                    text: text(event.data.scalar.value, event.data.scalar.length),
                    style: event.data.scalar.style == YAML_PLAIN_SCALAR_STYLE ? .plain : .quoted
                ),
                event,
                anchor: event.data.scalar.anchor,
                tag: event.data.scalar.tag
            )
        case YAML_SEQUENCE_START_EVENT:
            make(.sequenceStart, event, anchor: event.data.sequence_start.anchor, tag: event.data.sequence_start.tag)
        case YAML_SEQUENCE_END_EVENT: make(.sequenceEnd, event)
        case YAML_MAPPING_START_EVENT:
            make(.mappingStart, event, anchor: event.data.mapping_start.anchor, tag: event.data.mapping_start.tag)
        case YAML_MAPPING_END_EVENT: make(.mappingEnd, event)
        default: make(.streamEnd, event)
        }
    }

    private static func make(
        _ kind: ParserEvent.Kind,
        _ event: yaml_event_t,
        anchor: UnsafeMutablePointer<UInt8>? = nil,
        tag: UnsafeMutablePointer<UInt8>? = nil
    ) -> ParserEvent {
        let (start, end) = (event.start_mark, event.end_mark)
        // A value of several lines is marked at its first character only.
        let length = start.line == end.line && end.column > start.column ? Int(end.column - start.column) : 1
        return ParserEvent(
            kind: kind,
            anchor: string(anchor),
            tag: string(tag),
            line: Int(start.line) + 1,
            column: Int(start.column) + 1,
            length: length
        )
    }

    private func problem() -> SyntaxProblem {
        let parser = parser.pointee
        let message = parser.problem.map { String(cString: $0) } ?? "out of memory"
        if parser.error == YAML_READER_ERROR {
            return SyntaxProblem(message: message, place: .byte(Int(parser.problem_offset)))
        }
        return SyntaxProblem(
            message: message,
            place: place(parser.problem_mark),
            context: parser.context.map { String(cString: $0) },
            contextPlace: parser.context.map { _ in place(parser.context_mark) }
        )
    }

    private func place(_ mark: yaml_mark_t) -> SyntaxProblem.Place {
        .position(line: Int(mark.line) + 1, column: Int(mark.column) + 1)
    }

    private static func text(_ start: UnsafeMutablePointer<UInt8>?, _ length: Int) -> String {
        String(decoding: UnsafeBufferPointer(start: start, count: length), as: UTF8.self)
    }

    private static func string(_ start: UnsafeMutablePointer<UInt8>?) -> String? {
        start.map { String(cString: $0) }
    }
}
