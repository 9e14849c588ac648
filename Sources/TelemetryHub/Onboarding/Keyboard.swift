// SPDX-License-Identifier: Apache-2.0

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// A key that was pressed.
enum Key: Hashable {
    case sign(Character)
    case enter
    case backspace
    case clear
    case up
    case down
    case escape
    /// Ctrl-C, Ctrl-D on an empty line, or a terminal that was closed.
    case interrupt
    case other
}

/// The user pressed Ctrl-C: nothing is changed.
struct Interrupted: Error {}

/// Reads the keys of the terminal one by one, without echo, as long as the object lives.
final class Keyboard {
    private var before = termios()
    private var pending: [UInt8] = []

    /// nil when standard input is not a terminal.
    init?() {
        guard isatty(STDIN_FILENO) == 1, tcgetattr(STDIN_FILENO, &before) == 0 else { return nil }
        var raw = before
        raw.c_lflag &= ~UInt32(ICANON | ECHO | ISIG | IEXTEN)
        raw.c_iflag &= ~UInt32(IXON | ICRNL)
        guard tcsetattr(STDIN_FILENO, TCSADRAIN, &raw) == 0 else { return nil }
    }

    deinit { tcsetattr(STDIN_FILENO, TCSADRAIN, &before) }

    /// The next key; nil when none is pressed in time.
    ///
    /// - Parameter milliseconds: How long to wait; negative for no limit.
    func key(within milliseconds: Int32 = -1) -> Key? {
        guard let byte = byte(within: milliseconds) else { return milliseconds < 0 ? .interrupt : nil }
        switch byte {
        case 3, 4: return .interrupt
        case 10, 13: return .enter
        case 8, 127: return .backspace
        case 21: return .clear
        case 27: return escapeSequence()
        case 0..<32: return .other
        case 0..<128: return .sign(Character(Unicode.Scalar(byte)))
        default: return sign(beginningWith: byte)
        }
    }

    private func byte(within milliseconds: Int32) -> UInt8? {
        if !pending.isEmpty { return pending.removeFirst() }
        var descriptor = pollfd(fd: STDIN_FILENO, events: Int16(POLLIN), revents: 0)
        var ready = poll(&descriptor, 1, milliseconds)
        while ready < 0, errno == EINTR { ready = poll(&descriptor, 1, milliseconds) }
        guard ready > 0 else { return nil }
        var byte: UInt8 = 0
        // A closed terminal reads as Ctrl-C.
        return read(STDIN_FILENO, &byte, 1) == 1 ? byte : 3
    }

    /// Arrow keys send ESC [ A or ESC O A; nothing follows the ESC key itself.
    private func escapeSequence() -> Key {
        guard let first = byte(within: 30) else { return .escape }
        guard first == UInt8(ascii: "[") || first == UInt8(ascii: "O") else {
            pending.append(first)
            return .escape
        }
        var last = byte(within: 30)
        while let byte = last, byte < 64 { last = self.byte(within: 30) }
        switch last {
        case UInt8(ascii: "A"): return .up
        case UInt8(ascii: "B"): return .down
        default: return .other
        }
    }

    private func sign(beginningWith first: UInt8) -> Key {
        var bytes = [first]
        let count = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2
        while bytes.count < count, let next = byte(within: 30) { bytes.append(next) }
        guard let sign = String(validating: bytes, as: UTF8.self)?.first else { return .other }
        return .sign(sign)
    }
}
