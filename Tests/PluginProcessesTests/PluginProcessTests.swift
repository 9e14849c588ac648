// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import CollectorTesting
import Foundation
import Glibc
import Logging
import OTLP
import Synchronization
import Testing

@testable import PluginProcesses

/// Real children, written in Python's standard library, that do well or ill.
struct PluginProcessTests {
    private static let library = """
        #!/usr/bin/python3
        import json, os, signal, socket, struct, subprocess, sys, time
        sock = socket.socket(fileno=3)
        def read(n):
            data = b""
            while len(data) < n:
                part = sock.recv(n - len(data))
                if not part: sys.exit(0)
                data += part
            return data
        def frame():
            while True:
                length, kind, _, _, ident = struct.unpack("<IBBHQ", read(16))
                payload = read(length)
                if kind != 9: return kind, ident, payload
                send(10, ident)
        def send(kind, ident=0, payload=b""):
            sock.sendall(struct.pack("<IBBHQ", len(payload), kind, 0, 0, ident) + payload)
        def start(versions=[1, 1], kind="processor", in_flight=1):
            assert frame()[0] == 1
            hello = {"protocol": versions, "name": "x",
                     "components": [{"kind": kind, "type": "x", "max_in_flight": in_flight}]}
            send(1, 0, json.dumps(hello).encode())
            kind, _, payload = frame()
            send(3)
            return json.loads(payload)
        OK = bytes(8)

        """

    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private func plugin(
        _ body: String,
        kind: ComponentKind = .processor,
        batchTime: Duration = .seconds(20),
        memoryLimit: Int = 0,
        named name: String = "plugin.py",
        restarts: RestartPolicy = RestartPolicy(),
        started: @escaping @Sendable (Bool) -> Void = { _ in },
        logger: Logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
        take: PluginProcess.Take? = nil
    ) throws -> PluginProcess {
        let script = try folder.write(Self.library + body, to: name)
        var terms = PluginSession.Terms(
            kind: kind,
            type: "x",
            id: "x",
            configuration: "{\"secret\":\"s3cret\"}",
            stateFolder: folder.path
        )
        terms.batchTime = batchTime
        terms.restarts = restarts
        // An interpreter may need a while on a machine that is busy.
        terms.startTime = .seconds(60)
        var command = PluginCommand(["/usr/bin/python3", script])
        command.memoryLimit = memoryLimit
        return PluginProcess(
            command,
            terms,
            host: "test",
            logger: logger,
            started: started,
            take: take
        )
    }

    private static let batch = PluginBatch.frame(.logs, [])

    private static func isUnanswered(_ answer: PluginAnswer) -> Bool {
        if case .unanswered = answer { true } else { false }
    }

    @Test func `each batch gets its answer, and the end is in order`() async throws {
        let plugin = try plugin(
            """
            opened = start(in_flight=4)
            while True:
                kind, ident, payload = frame()
                if kind == 5: send(6, ident, bytes([2, 0, 0, 0, 0, 0, 0, 0]) + json.dumps(opened["config"]).encode())
                if kind == 11:
                    send(12)
                    sys.exit(0)
            """
        )
        try await plugin.open()
        #expect(plugin.trouble == nil)
        await withTaskGroup(of: PluginAnswer.self) { group in
            for _ in 0..<100 { group.addTask { await plugin.submit(Self.batch) } }
            for await answer in group { #expect(answer == .refused(#"{"secret": "s3cret"}"#)) }
        }
        await plugin.stop()
        #expect(Self.isUnanswered(await plugin.submit(Self.batch)))
        #expect(plugin.counts.restarts == 0)
    }

    @Test func `it has no descriptor and no variable that is not for it`() async throws {
        let plugin = try plugin(
            """
            start()
            kind, ident, payload = frame()
            names = sorted(os.environ)
            found = [sorted(int(n) for n in os.listdir("/proc/self/fd"))[:4], os.readlink("/proc/self/fd/0"),
                     [n for n in names if n not in ("PATH", "HOME", "TZ", "LANG", "HAMMURABI_PLUGIN", "LC_CTYPE")],
                     len(os.listdir("/proc/self/fd")), sys.argv[1:]]
            send(6, ident, bytes([2, 0, 0, 0, 0, 0, 0, 0]) + json.dumps(found).encode())
            frame()
            """
        )
        try await plugin.open()
        // The fifth descriptor is the one that lists them.
        #expect(await plugin.submit(Self.batch) == .refused(#"[[0, 1, 2, 3], "/dev/null", [], 5, []]"#))
        await plugin.stop()
    }

    @Test(arguments: [
        ("exits within a batch", "sys.exit(3)"),
        ("half a frame", "sock.sendall(bytes(7)); sys.exit(0)"),
        ("closes the socket", "sock.close(); time.sleep(60)"),
        ("garbage", "sock.sendall(os.urandom(65536)); time.sleep(60)"),
        ("a frame that is too large", "sock.sendall(b'\\xff' * 100_000); time.sleep(60)"),
        ("never answers", "time.sleep(60)"),
        ("answers another batch", "send(6, 99, OK); time.sleep(60)"),
        ("leaves a grandchild", "subprocess.Popen(['/bin/sleep', '60']); sys.exit(0)"),
    ])
    func `a batch that gets no answer goes back, and the plugin is started again`(what: String, body: String)
        async throws
    {
        let marker = folder.path + "/marker"
        let plugin = try plugin(
            """
            start()
            first = not os.path.exists("\(marker)")
            open("\(marker)", "a").write("x")
            kind, ident, payload = frame()
            if first:
                \(body)
            send(6, ident, OK)
            frame()
            """,
            batchTime: .seconds(2)
        )
        try await plugin.open()
        #expect(Self.isUnanswered(await plugin.submit(Self.batch)), "\(what)")
        #expect(await eventually({ await plugin.submit(Self.batch) == .ok(.none) }), "\(what)")
        #expect(plugin.trouble == nil && plugin.counts.restarts >= 1)
        await plugin.stop()
    }

    @Test func `a plugin that grows without end is stopped by its memory limit`() async throws {
        let marker = folder.path + "/marker"
        let plugin = try plugin(
            """
            start()
            kind, ident, payload = frame()
            if not os.path.exists("\(marker)"):
                open("\(marker)", "w").write("x")
                kept = []
                while True: kept.append(bytearray(1 << 24))
            send(6, ident, OK)
            frame()
            """,
            memoryLimit: 512 << 20
        )
        try await plugin.open()
        #expect(Self.isUnanswered(await plugin.submit(Self.batch)))
        #expect(await eventually({ await plugin.submit(Self.batch) == .ok(.none) }))
        await plugin.stop()
    }

    /// What a plugin may do wrong in one of its first runs, each line a statement of Python.
    private static let misdeeds = [
        "sys.exit(3)", "os.kill(os.getpid(), 9)", "sock.sendall(bytes(7)); sys.exit(0)", "sock.close(); time.sleep(60)",
        "sock.sendall(os.urandom(65536)); time.sleep(60)", "send(6, 99999, OK); time.sleep(60)", "time.sleep(60)",
        "subprocess.Popen(['/bin/sleep', '60']); sys.exit(0)", "send(5, ident); time.sleep(60)",
        "send(1, 0, b'{}'); time.sleep(60)", "send(6, ident, b'x'); time.sleep(60)", "send(12); sys.exit(0)",
        "sock.sendall(b'\\xff' * 100_000); time.sleep(60)", "print('x' * 1_000_000); sys.exit(1)",
        "send(6, ident, OK); send(6, ident, OK); os._exit(1)", "sock.shutdown(socket.SHUT_WR); time.sleep(60)",
    ]

    /// A number that several tasks add to.
    private final class Tally: Sendable {
        private let number = Mutex(0)
        var count: Int { number.withLock { $0 } }
        func add() { number.withLock { $0 += 1 } }
    }

    /// Starts again at once and never gives up, so that a thousand rounds take minutes.
    private static let hasty = RestartPolicy(first: .milliseconds(20), longest: .milliseconds(200), tolerated: .max)

    /// A thousand rounds with `HAMMURABI_PLUGIN_ROUNDS=1000`, eight at a time.
    @Test func `whatever a plugin does in its first runs, every batch is answered once and gets through in the end`()
        async throws
    {
        let rounds = ProcessInfo.processInfo.environment["HAMMURABI_PLUGIN_ROUNDS"].flatMap { Int($0) } ?? 4
        var random = SeededGenerator(seed: UInt64(rounds))
        let seeds = (0..<rounds).map { _ in random.next() }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for (round, seed) in seeds.enumerated() {
                if round >= 8 { try await group.next() }
                group.addTask { try await misbehave(round, seed) }
            }
            try await group.waitForAll()
        }
    }

    /// One round: a plugin does something wrong in one or two of its runs while six senders want an answer each.
    private func misbehave(_ round: Int, _ seed: UInt64) async throws {
        var random = SeededGenerator(seed: seed)
        let marker = "\(folder.path)/marker\(round)"
        let misdeed = Self.misdeeds[Int(random.next() % UInt64(Self.misdeeds.count))]
        let (bad, place) = (random.next() % 2 + 1, random.next() % 5 + 1)
        let (wrong, starts) = (Tally(), Tally())
        let plugin = try plugin(
            """
            start(in_flight=\(random.next() % 4 + 1))
            open("\(marker)", "a").write("x")
            bad = os.path.getsize("\(marker)") <= \(bad)
            count = 0
            while True:
                kind, ident, payload = frame()
                if kind == 11:
                    send(12)
                    sys.exit(0)
                count += 1
                if bad and count == \(place):
                    \(misdeed)
                if kind == 5: send(6, ident, OK)
            """,
            batchTime: .seconds(2),
            named: "plugin\(round).py",
            restarts: Self.hasty,
            started: { isAgain in if isAgain { starts.add() } }
        )
        try await plugin.open()
        await withTaskGroup(of: Bool.self) { group in
            for _ in 0..<6 {
                group.addTask {
                    await eventually {
                        let answer = await plugin.submit(Self.batch)
                        if answer != .ok(.none), !Self.isUnanswered(answer) { wrong.add() }
                        return answer == .ok(.none)
                    }
                }
            }
            for await isThrough in group { #expect(isThrough, "round \(round): \(misdeed)") }
        }
        #expect(wrong.count == 0, "round \(round): \(misdeed)")
        await plugin.stop()
        // Each start wrote an x before its first batch; the counter of restarts says how many there were.
        #expect(plugin.counts.restarts == starts.count, "round \(round): \(misdeed)")
        #expect(plugin.counts.restarts <= 2 * Int(bad) + 6, "round \(round): \(misdeed)")
    }

    @Test func `a second answer is counted and does no harm`() async throws {
        let plugin = try plugin(
            """
            start()
            while True:
                kind, ident, payload = frame()
                if kind == 5:
                    send(6, ident, OK)
                    send(6, ident, bytes([2]) + bytes(7))
                if kind == 11: sys.exit(0)
            """
        )
        try await plugin.open()
        for _ in 0..<5 { #expect(await plugin.submit(Self.batch) == .ok(.none)) }
        #expect(await eventually({ plugin.counts.lateAnswers == 5 }))
        await plugin.stop()
    }

    @Test func `a wrong version is said, and starts nothing over and over at once`() async throws {
        let plugin = try plugin("start(versions=[2, 3])\nframe()")
        try await plugin.open()
        #expect(plugin.trouble?.contains("speaks the protocol 2 to 3") == true)
        await plugin.stop()
    }

    @Test func `a flood on its output is bounded and stops nothing`() async throws {
        let log = RecordedLog()
        let plugin = try plugin(
            """
            start()
            kind, ident, payload = frame()
            sys.stdout.write("x" * 100_000 + "\\n")
            for number in range(200_000): print(number)
            sys.stdout.flush()
            send(6, ident, OK)
            frame()
            """,
            logger: log.logger
        )
        try await plugin.open()
        #expect(await plugin.submit(Self.batch) == .ok(.none))
        await plugin.stop()
        #expect(log.lines.count < 1_000)
        #expect(log.lines.contains { $0.contains("(cut)") } && log.lines.contains { $0.contains("left out") })
    }

    @Test func `a receiver gets an answer for what it emits`() async throws {
        let log = RecordedLog()
        let plugin = try plugin(
            """
            start(kind="receiver")
            assert frame()[0] == 8
            send(7, 1, bytes([3, 0, 0, 0]) + b"request")
            kind, ident, payload = frame()
            print("answer", kind, ident, payload[0], flush=True)
            frame()
            """,
            kind: .receiver,
            logger: log.logger,
            take: { signal, request in
                signal == .logs && request == Array("request".utf8) ? .retry("full", after: .seconds(1)) : .refused("")
            }
        )
        try await plugin.open()
        #expect(await eventually { log.lines.contains { $0.contains("answer 6 1 1") } })
        await plugin.stop()
    }

    @Test func `files that others can write are not run, nor those with another checksum`() throws {
        let script = try folder.write("#!/bin/sh\n", to: "plugin.sh")
        try PluginCommand([script]).check()
        #expect(throws: StartError.self) { try PluginCommand([script], checksum: "00").check() }
        let known = SHA256.hex(SHA256.digest(Array("#!/bin/sh\n".utf8)))
        try PluginCommand([script], checksum: known).check()
        // Only root can give a file away, so that it is another owner's.
        if chown(script, 12_345, gid_t.max) == 0 {
            #expect(throws: StartError.self) { try PluginCommand([script]).check() }
            #expect(chown(script, geteuid(), gid_t.max) == 0)
        }
        #expect(chmod(script, 0o777) == 0)
        #expect(throws: StartError.self) { try PluginCommand([script]).check() }
        #expect(throws: StartError.self) { try PluginCommand(["/bin/sh", script]).check() }
        #expect(throws: StartError.self) { try PluginCommand(["plugin.sh"]).check() }
        #expect(throws: StartError.self) { try PluginCommand([folder.path]).check() }
    }
}
