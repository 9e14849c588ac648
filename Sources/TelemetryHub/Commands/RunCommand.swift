// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import CMalloc
import Collector
import CollectorKit

/// The command `hammurabi run`.
struct RunCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Runs the collector in the foreground.",
        discussion:
            "Prints one line \"ready\" with its addresses on standard error. SIGTERM and SIGINT drain and stop it, SIGHUP loads its configuration again."
    )

    @OptionGroup var options: ConfigOptions

    func run() async throws {
        Heap.keepFreedMemory()
        let environment = Environment.process
        let graph = try options.graph(environment)
        let log = LogOutput(graph.telemetry.logs, now: Console.now)
        do {
            try await Collector.serve(graph, environment: environment, log: log, now: Console.now) { [options] in
                options.reloaded(environment)
            }
        } catch let error as StartError {
            Console.prose("hammurabi: \(error)\n")
            // Most often what has the address, or the store, is the service that was installed.
            if error.exitCode == Exit.inputOutput, let running = graph.runningHub {
                Console.prose(
                    "  help: a Telemetry Hub already runs at \(running.endpoint); `hammurabi status` shows it\n"
                )
            }
            throw ExitCode(error.exitCode)
        } catch {
            Console.prose("hammurabi: stopped by an unexpected error: \(error)\n")
            throw ExitCode(Exit.internalError)
        }
    }
}

/// The settings of the C library's allocator for freed memory.
enum Heap {
    /// Keeps a few mebibytes of freed memory for the next request.
    ///
    /// A request uses some hundred kilobytes that the next one uses again. By default glibc returns each freed block of 128 KiB to the
    /// system at once, and mapping and clearing it again takes a tenth of all the time.
    static func keepFreedMemory() {
        #if canImport(Glibc)
        _ = mallopt(M_TRIM_THRESHOLD, 4 << 20)
        _ = mallopt(M_MMAP_THRESHOLD, 2 << 20)
        #endif
    }
}
