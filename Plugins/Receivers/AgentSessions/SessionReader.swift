// SPDX-License-Identifier: Apache-2.0

import JSON

/// Reads the lines of one session file in order and reports what they mean.
///
/// The state is all that it remembers of the lines before: a reader that is made with it goes on as if it had read them.
protocol SessionReader: AnyObject {
    /// What has to be remembered to go on later.
    var state: ReaderState { get }
    /// Reads a line.
    ///
    /// - Throws: ``LineFault``; nothing of the line was taken then.
    func read(_ line: LineBytes, into sink: inout RecordSink) throws(LineFault)
    /// Hands out what was held back, so that everything read so far is in the sink.
    func flush(into sink: inout RecordSink)
    /// Looks at the last line of what was read for how long the session lived.
    func noteEnd(_ line: LineBytes)
}

/// What a reader remembers, by agent; kept behind a reference, so that a mark is small where no reader goes on from it.
indirect enum ReaderState: Equatable {
    case transcript(TranscriptState)
    case rollout(RolloutState)
    case store(StoreState)
}

/// Why a line cannot be read.
typealias LineFault = JSONScanError

extension LineFault {
    static let joined = LineFault("something that is no JSON object follows one on the line")
}

extension LineBytes {
    /// The line without white space around it; nil when nothing is left.
    ///
    /// - Throws: ``LineFault/cutOff`` when it is no JSON object from end to end.
    func object() throws(LineFault) -> LineBytes? {
        guard let text = trimmed() else { return nil }
        guard text.base[0] == UInt8(ascii: "{"), text.base[text.count - 1] == UInt8(ascii: "}") else { throw .cutOff }
        return text
    }
}
