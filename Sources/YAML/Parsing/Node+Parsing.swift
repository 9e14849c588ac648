// SPDX-License-Identifier: Apache-2.0

extension Node {
    /// Parses one configuration file and adds everything wrong with it to the diagnostics.
    ///
    /// An empty file is an empty mapping. Returns nil when the file cannot be used at all (not UTF-8, bad syntax, over a
    /// limit); with lesser problems, such as a duplicate key, the rest is returned so that later checks can go on.
    public init?(parsing source: SourceFile, limits: ParseLimits = ParseLimits(), diagnostics: inout Diagnostics) {
        guard source.bytes.count <= limits.bytes else {
            let message = "the file has \(source.bytes.count) bytes, more than \(limits.bytes)"
            // Without its lines: the file is too big to show.
            diagnostics.append(.error("file-too-large", message, at: Mark(file: source.name, line: 1, column: 1)))
            return nil
        }
        diagnostics.add(source)
        if let offset = source.firstInvalidByte {
            let (line, column) = source.position(ofByte: offset)
            diagnostics.append(
                .error(
                    "invalid-utf8",
                    "the file is not UTF-8 from here on",
                    at: Mark(file: source.name, line: line, column: column),
                    help: source.looksLikeUTF16
                        ? "it looks like UTF-16; save the file with the encoding UTF-8"
                        : "save the file with the encoding UTF-8"
                )
            )
            return nil
        }
        guard let events = EventStream(source.bytes) else {
            diagnostics.append(.error("syntax", "out of memory", at: Mark(file: source.name, line: 1, column: 1)))
            return nil
        }
        var composer = Composer(events: events, file: source.name, limits: limits)
        do {
            let root = try composer.document()
            diagnostics.append(contentsOf: composer.problems)
            let start = Mark(file: source.name, line: 1, column: 1)
            self = root.flatMap { $0.isNull ? nil : $0 } ?? .mapping(Mapping(mark: start))
        } catch {
            diagnostics.append(contentsOf: composer.problems)
            if case .syntax(let problem) = error { diagnostics.append(problem.diagnostic(in: source)) }
            return nil
        }
    }
}

extension SourceFile {
    /// Whether the file begins with a byte order mark of UTF-16.
    fileprivate var looksLikeUTF16: Bool { bytes.starts(with: [0xFF, 0xFE]) || bytes.starts(with: [0xFE, 0xFF]) }

    /// The offset of the first byte that is not UTF-8.
    fileprivate var firstInvalidByte: Int? {
        do throws(UTF8.ValidationError) {
            _ = try UTF8Span(validating: bytes.span)
            return nil
        } catch {
            return error.byteOffsets.lowerBound
        }
    }
}
