// SPDX-License-Identifier: Apache-2.0

public import CollectorKit
import FoundationEssentials
import Logging
import OTLP
import Usage

/// Checks how a store behaves when its files are removed or changed while it runs; tests of each store in files run it.
///
/// What it acknowledges afterwards must be there after a restart, what it cannot store it must refuse with a retryable error, and it
/// must recover by itself. Files that disappear under a collector are common: a cleaner, a restored backup, an unmounted disk
/// (opentelemetry-collector-contrib#33987, vector#12823).
public struct StoreLossConformance: Sendable {
    private let home: String
    private let make: @Sendable (String, ComponentSettings) throws -> any Exporter

    /// Prepares the checks.
    ///
    /// - Parameters:
    ///   - home: A folder of the test.
    ///   - make: Creates a store that keeps everything in the given folder.
    public init(
        home: String,
        _ make: @escaping @Sendable (_ folder: String, _ settings: ComponentSettings) throws -> any Exporter
    ) {
        self.home = home
        self.make = make
    }

    /// The ways to lose a file.
    private enum Loss: String, CaseIterable {
        case deleted
        case moved
        case emptied
        case replaced
        case folderDeleted = "deleted with its folder"
        case folderMoved = "moved with its folder"
    }

    /// All violations.
    ///
    /// - Parameter names: The names of the store's files in its folder.
    public func violations(of names: [String]) async -> [String] {
        var violations: [String] = []
        for name in names {
            for loss in Loss.allCases {
                do {
                    violations += try await run(loss, name).map { "\(name) \(loss.rawValue): \($0)" }
                } catch {
                    violations.append("\(name) \(loss.rawValue): \(error)")
                }
            }
        }
        return violations
    }

    private func run(_ loss: Loss, _ name: String) async throws -> [String] {
        let folder = "\(home)/\(UInt64.random(in: 0 ... .max))"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        var exporter = try await start(folder)
        for number in UInt64(1)...3 { try await exporter.consume(Self.batch(number)) }
        let repair = try apply(loss, name, folder)
        var acknowledged: [UInt64] = []
        var violations: [String] = []
        for number in UInt64(11)...13 {
            let batch = try Self.batch(number)
            do throws(ConsumeError) {
                try await exporter.consume(batch)
                acknowledged.append(number)
            } catch {
                if !error.isRetryable { violations.append("it refuses for good: \(error.message)") }
            }
        }
        try repair()
        for number in UInt64(21)...22 {
            let batch = try Self.batch(number)
            do throws(ConsumeError) {
                try await exporter.consume(batch)
                acknowledged.append(number)
            } catch {
                violations.append("it does not go on by itself: \(error.message)")
            }
        }
        await exporter.shutdown()
        exporter = try await start(folder)
        guard let store = exporter.usageStore else { throw StoreError("it answers no questions") }
        for number in acknowledged {
            let calls = try await store.session(id: "session-\(number)")?.calls.count ?? 0
            if calls != 1 { violations.append("of call \(number), which it acknowledged, it has \(calls)") }
        }
        await exporter.shutdown()
        return violations
    }

    /// - Returns: A closure that makes everything usable again.
    private func apply(_ loss: Loss, _ name: String, _ folder: String) throws -> () throws -> Void {
        let (files, path) = (FileManager.default, "\(folder)/\(name)")
        switch loss {
        case .deleted: try files.removeItem(atPath: path)
        case .moved: try files.moveItem(atPath: path, toPath: path + ".moved")
        // Truncated and not replaced, so that it stays the same file.
        case .emptied: try Data().write(to: URL(filePath: path))
        case .replaced:
            try files.removeItem(atPath: path)
            try Data("another file, which is none of the store's\n".utf8).write(to: URL(filePath: path))
            return {
                if (try? Data(contentsOf: URL(filePath: path)))?.starts(with: Data("another file".utf8)) == true {
                    try files.removeItem(atPath: path)
                }
            }
        case .folderDeleted: try files.removeItem(atPath: folder)
        case .folderMoved: try files.moveItem(atPath: folder, toPath: folder + ".moved")
        }
        return {
            if !files.fileExists(atPath: folder) {
                try files.createDirectory(atPath: folder, withIntermediateDirectories: true)
            }
        }
    }

    private func start(_ folder: String) async throws -> any Exporter {
        let settings = ComponentSettings(
            id: ComponentID("store") ?? ComponentID.unnamed,
            logger: Logger(label: "conformance") { _ in SwiftLogNoOpLogHandler() },
            home: home,
            now: { GeneratedTelemetry.now }
        )
        let exporter = try make(folder, settings)
        try await exporter.start()
        return exporter
    }

    /// One call in a session of its own.
    private static func batch(_ number: UInt64) throws -> Batch {
        var observation = Observation(
            id: number,
            time: GeneratedTelemetry.now,
            source: .otlpLog,
            emitter: 1,
            priority: 90
        )
        observation.session = "session-\(number)"
        observation.counts = TokenCounts(uncachedInput: Int64(number), output: 1)
        let json = #"{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":{"stringValue":"call"}}]}]}]}"#
        var batch = Batch(try OTLPBatch(signal: .logs, json: Array(json.utf8)), receivedAt: GeneratedTelemetry.now)
        batch.observations = [observation]
        return batch
    }
}
