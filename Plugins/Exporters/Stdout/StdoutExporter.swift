// SPDX-License-Identifier: Apache-2.0

public import CollectorKit
import Dispatch
import Logging
import OTLP

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Writes batches to standard output, one after the other.
///
/// Writing uses a dispatch queue of its own: a paused terminal, or a pipe without an active reader, must not block the threads that
/// all tasks share.
final class StdoutExporter: Exporter {
    private let config: StdoutConfig
    private let settings: ComponentSettings
    private let sink: @Sendable ([UInt8]) throws -> Void
    private let queue = DispatchQueue(label: "stdout")

    init(_ config: StdoutConfig, _ settings: ComponentSettings, sink: @escaping @Sendable ([UInt8]) throws -> Void) {
        self.config = config
        self.settings = settings
        self.sink = sink
    }

    func shutdown() async {
        await withCheckedContinuation { continuation in queue.async { continuation.resume() } }
    }

    func consume(_ batch: Batch) async throws(ConsumeError) {
        let bytes = render(batch)
        if let failure = await write(bytes) {
            settings.logger.warning("cannot write", metadata: ["reason": "\(failure)"])
            throw .retryable("\(settings.id) cannot write: \(failure)", after: 5)
        }
    }

    private func render(_ batch: Batch) -> [UInt8] {
        switch config.format {
        case .json: batch.otlp.recordCount == 0 ? [] : batch.otlp.json() + [UInt8(ascii: "\n")]
        case .text: BatchText(batch, config.verbosity).bytes
        }
    }

    private func write(_ bytes: [UInt8]) async -> (any Error)? {
        guard !bytes.isEmpty else { return nil }
        return await withCheckedContinuation { continuation in
            queue.async { [sink] in
                do {
                    try sink(bytes)
                    continuation.resume(returning: nil)
                } catch {
                    continuation.resume(returning: error)
                }
            }
        }
    }
}

extension ComponentFactory {
    /// Writes batches to standard output.
    public static let stdout = stdout(writingTo: { try FileDescriptorWriter.standardOutput.write($0) })

    /// Writes batches to another target.
    ///
    /// - Parameter sink: Receives all bytes of one batch, or throws when they cannot be written now; never called for two batches at
    ///   once.
    public static func stdout(writingTo sink: @escaping @Sendable ([UInt8]) throws -> Void) -> ComponentFactory {
        .exporter(
            "stdout",
            StdoutConfig.self,
            summary: "shows batches on the standard output, as text or as OTLP/JSON lines"
        ) { config, settings in StdoutExporter(config, settings, sink: sink) }
    }
}

/// Writes all bytes to an open file descriptor.
struct FileDescriptorWriter {
    let descriptor: Int32

    static let standardOutput = FileDescriptorWriter(descriptor: STDOUT_FILENO)

    /// How many milliseconds to wait for the reader of a full non-blocking pipe.
    private static let timeout: Int32 = 5_000

    /// Writes all bytes; may block until the reader has read them.
    ///
    /// - Throws: ``WriteError`` when the reader has closed the pipe or the disk is full; a part of the bytes may have been written.
    func write(_ bytes: [UInt8]) throws {
        let failure = withoutPipeSignal { bytes.withUnsafeBytes { writeAll($0) } }
        if let failure { throw WriteError(errorNumber: failure) }
    }

    private func writeAll(_ bytes: UnsafeRawBufferPointer) -> Int32? {
        var rest = bytes[...]
        while !rest.isEmpty {
            let part = UnsafeRawBufferPointer(rebasing: rest)
            #if canImport(Glibc)
            let count = Glibc.write(descriptor, part.baseAddress, part.count)
            #elseif canImport(Musl)
            let count = Musl.write(descriptor, part.baseAddress, part.count)
            #else
            let count = Darwin.write(descriptor, part.baseAddress, part.count)
            #endif
            if count >= 0 {
                rest = rest.dropFirst(count)
            } else if errno == EAGAIN {
                guard waitForReader() else { return EAGAIN }
            } else if errno != EINTR {
                return errno
            }
        }
        return nil
    }

    private func waitForReader() -> Bool {
        var descriptors = [pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)]
        return poll(&descriptors, 1, Self.timeout) != 0
    }

    /// Keeps a pipe without a reader from ending the process.
    ///
    /// SIGPIPE is raised in the writing thread, so it is blocked and removed there; the process-wide disposition of the signal is
    /// unchanged.
    private func withoutPipeSignal(_ work: () -> Int32?) -> Int32? {
        var pipe = sigset_t()
        var former = sigset_t()
        sigemptyset(&pipe)
        sigaddset(&pipe, SIGPIPE)
        var pending = sigset_t()
        sigpending(&pending)
        let wasPending = sigismember(&pending, SIGPIPE) == 1
        pthread_sigmask(SIG_BLOCK, &pipe, &former)
        defer { pthread_sigmask(SIG_SETMASK, &former, nil) }
        let failure = work()
        if failure == EPIPE, !wasPending {
            var signal: Int32 = 0
            sigpending(&pending)
            if sigismember(&pending, SIGPIPE) == 1 { sigwait(&pipe, &signal) }
        }
        return failure
    }
}

/// Why bytes could not be written.
struct WriteError: Error, CustomStringConvertible {
    let errorNumber: Int32

    var description: String {
        switch errorNumber {
        case EPIPE: "the reader of the standard output has gone"
        case EAGAIN: "the reader of the standard output does not keep up"
        case ENOSPC: "the disk is full"
        default: "error \(errorNumber) of the system"
        }
    }
}
