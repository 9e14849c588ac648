// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import FoundationEssentials
import Glibc
import JSONLExporter
import Logging
import OTLP
import PricingProcessor
import SQLiteExporter
import TokensProcessor
import Usage

// All work is done several times; the best time counts, because other programs on the machine only add time.
//
//   benchmarks [REQUESTS]          the stages one by one
//   benchmarks questions [CALLS]   what a store of 90 days answers, by default one of a million calls
let arguments = CommandLine.arguments.dropFirst()
let requests = arguments.first.flatMap(Int.init) ?? 500
let folder = FileManager.default.temporaryDirectory.appending(
    path: "hammurabi-benchmarks-\(UInt64.random(in: 0 ... .max))"
).path
defer { try? FileManager.default.removeItem(atPath: folder) }
try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)

if arguments.first == "questions" {
    let history = History(calls: arguments.dropFirst().first.flatMap(Int.init) ?? 1_000_000)
    try await history.measure(folder: folder)
} else {
    try await measureStages(requests, folder)
}
print("\npeak memory \(Measurement.peakMegabytes) MB, the requests themselves included")

func measureStages(_ requests: Int, _ folder: String) async throws {
    for signal in [Signal.traces, .logs] {
        let work = try Workload(signal: signal, recordsPerRequest: 100, requests: requests, folder: folder)
        let bytes = work.protobufBytes / requests / 100
        print("\n\(signal.rawValue): \(requests) requests of 100 records, \(bytes) bytes a record\n")
        print("| " + Measurement.titles.joined(separator: " | ") + " |")
        print("|" + String(repeating: "---|", count: Measurement.titles.count))
        for measurement in try await work.measurements() {
            print("| " + measurement.row.joined(separator: " | ") + " |")
        }
    }
}
