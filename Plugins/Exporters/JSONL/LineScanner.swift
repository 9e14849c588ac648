// SPDX-License-Identifier: Apache-2.0

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Where a line lies in its file.
struct LinePlace {
    var offset: Int64
    /// Its size without the line feed.
    var length: Int64
    /// Counted from 1, from where the reading began.
    var number: Int
}

/// Reads the lines of a file from front to back through a window of bounded size, however long a line is.
struct LineScanner {
    enum Item {
        case line(UsageLine, LinePlace)
        /// Not what this store writes.
        case broken(LinePlace)
        /// The end of the file without a line feed.
        case torn(LinePlace)
    }

    private let file: ReadableFile
    private var window: [UInt8]
    /// The part of the window that was read and not yet handed out.
    private var start = 0
    private var end = 0
    /// Where in the file the window begins.
    private var base: Int64
    private var number = 0

    private static let step = 1 << 20
    /// As much as may stand before the records of a line.
    private static let longestHead = 512 << 20

    init(_ file: ReadableFile, from offset: Int64) {
        self.file = file
        base = offset
        window = Array(repeating: 0, count: Self.step)
    }

    /// The next line; nil at the end.
    mutating func next() -> Item? {
        var searched = start
        while true {
            if let feed = lineFeed(from: searched) { return whole(feed) }
            let seen = end - start
            if seen >= Self.step, let item = long() { return item }
            guard fill() else { break }
            searched = start + seen
        }
        guard end > start else { return nil }
        defer { start = end }
        number += 1
        return .torn(place(length: Int64(end - start)))
    }

    private func place(length: Int64) -> LinePlace {
        LinePlace(offset: base + Int64(start), length: length, number: number)
    }

    private func lineFeed(from position: Int) -> Int? {
        guard position < end else { return nil }
        return window.withUnsafeBytes { bytes in
            guard let first = bytes.baseAddress, let found = memchr(first + position, 0x0A, end - position) else {
                return nil
            }
            return UnsafeRawPointer(found) - first
        }
    }

    private mutating func whole(_ feed: Int) -> Item {
        number += 1
        let place = place(length: Int64(feed - start))
        defer { start = feed + 1 }
        guard let line = try? UsageLine(window, start..<feed, isWhole: true) else { return .broken(place) }
        return .line(line, place)
    }

    /// A line that exceeds the window, once everything before its records is there; nil when more is needed.
    private mutating func long() -> Item? {
        let line: UsageLine?
        do throws(LineError) {
            line = try UsageLine(window, start..<end, isWhole: false)
        } catch {
            guard error == .malformed || end - start >= Self.longestHead else { return nil }
            line = nil
        }
        number += 1
        let offset = base + Int64(start)
        let (length, isTorn, isClosed) = passOver()
        let place = LinePlace(offset: offset, length: length, number: number)
        if isTorn { return .torn(place) }
        guard let line, isClosed else { return .broken(place) }
        return .line(line, place)
    }

    /// Goes to the end of the present line, forgetting it.
    ///
    /// - Returns: Its length, whether its line feed is missing, and whether it ends as a line must.
    private mutating func passOver() -> (length: Int64, isTorn: Bool, isClosed: Bool) {
        let offset = base + Int64(start)
        var last = Array(window[max(start, end - 2)..<end])
        while true {
            base += Int64(end)
            (start, end) = (0, 0)
            if window.count > Self.step * 4 { window = Array(repeating: 0, count: Self.step) }
            guard fill() else { return (base - offset, true, false) }
            let feed = lineFeed(from: 0)
            last = Array((last + window[max(0, (feed ?? end) - 2)..<(feed ?? end)]).suffix(2))
            guard let feed else { continue }
            start = feed + 1
            return (base + Int64(feed) - offset, false, last.elementsEqual("]}".utf8))
        }
    }

    /// Reads more behind what is there; `false` at the end of the file.
    private mutating func fill() -> Bool {
        if start > 0 {
            window.withUnsafeMutableBytes { bytes in
                guard let first = bytes.baseAddress else { return }
                memmove(first, first + start, end - start)
            }
            base += Int64(start)
            (start, end) = (0, end - start)
        }
        if end == window.count { window.append(contentsOf: repeatElement(0, count: window.count)) }
        let (file, offset, filled) = (file, base + Int64(end), end)
        let count = window.withUnsafeMutableBytes { bytes in
            file.read(into: UnsafeMutableRawBufferPointer(rebasing: bytes[filled...]), at: offset)
        }
        end += count
        return count > 0
    }
}
