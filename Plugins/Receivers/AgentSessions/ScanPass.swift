// SPDX-License-Identifier: Apache-2.0

import CollectorKit
import Usage

/// One way through all session files, cut into steps that each give a request of bounded size.
///
/// Nothing here waits for anybody but the disk. The marks of a step may be remembered once its request is in good hands.
final class ScanPass {
    let options: Options
    let buffer: LineBuffer
    let projects: ProjectNames
    let lineages = Lineages()
    let histories = ThreadHistories()
    let seen = SeenCalls()
    var files: ArraySlice<FoundFile> = []
    var known: [String: FileMark]
    var open: OpenFile?
    var report = ScanReport()
    var progress = ScanProgress()
    /// What cannot be opened now.
    var unreadable = UnreadableFiles()
    /// How many more faults may be named of all files.
    var faultsLeft = FileFaults.limitOfAll
    /// Marks of files that were only moved.
    private var moved: [String: FileMark] = [:]

    /// What does not change from pass to pass.
    struct Options: Sendable {
        var folders: SessionFolders
        var machine: String?
        var home: String?
        /// Whether files that are not known yet are only marked as read.
        var skipsUnknown = false
        var largestLine = 8 << 20
    }

    /// A step of a pass.
    struct Step: Sendable {
        /// A request to be handed on, with the number of its records; nil when there is nothing to tell yet.
        var request: [UInt8]?
        var recordCount = 0
        /// How far files were read.
        var marks: [String: FileMark] = [:]
        var progress = ScanProgress()
        /// What was done since the step before.
        var report = ScanReport()
        /// What cannot be opened now; nil as long as there are files to be tried.
        var unreadable: UnreadableFiles?
        var isLast: Bool { unreadable != nil }
    }

    /// As many bytes are read in one step at most.
    private static let stepSize: Int64 = 256 << 20

    init(_ options: Options, known: [String: FileMark]) {
        self.options = options
        self.known = known
        buffer = LineBuffer(largestLine: options.largestLine)
        projects = ProjectNames(files: LocalFolders(), home: options.home)
    }

    /// Takes over what earlier scans have found of all files together; of use only where there is something to be read.
    private func recall() {
        for mark in known.values {
            if case .rollout(let state) = mark.state { lineages.add(state) }
            if let faults = mark.faults { faultsLeft -= faults.nameCount }
        }
    }

    /// Looks which files there are; to be called once, before the first step.
    ///
    /// - Returns: The keys of known files that are there no more.
    func begin() -> [String] {
        var walk = FolderWalk()
        var best: [String: FoundFile] = [:]
        best.reserveCapacity(known.count)
        for root in options.folders.roots(&walk) {
            for file in walk.files(below: root) {
                let key = file.key
                if let other = best[key], (other.rank, other.path) < (file.rank, file.path) { continue }
                best[key] = file
            }
        }
        for problem in walk.problems { note(problem) }
        var changed: [FoundFile] = []
        var familiar = 0
        for (key, file) in best {
            // Nothing of a mark is copied: almost all files are unchanged almost always.
            let place = known.index(forKey: key)
            if place != nil { familiar += 1 }
            guard let place, known.values[place].isUnchanged(file) else {
                changed.append(file)
                continue
            }
            report.skipped += 1
            guard let faults = known.values[place].faults, faults.path != file.path else { continue }
            moved[key] = known.values[place]
            moved[key]?.faults?.path = file.path
        }
        if !changed.isEmpty {
            recall()
            for file in best.values { histories.add(file) }
        }
        let places = changed.map { (place: $0.relative, file: $0) }
        changed = places.sorted {
            ($0.file.agent.rawValue, $0.place, $0.file.path) < ($1.file.agent.rawValue, $1.place, $1.file.path)
        }.map(\.file)
        files = changed[...]
        progress.totalFiles = best.count
        progress.files = best.count - changed.count
        progress.totalBytes = changed.reduce(0) {
            $0 + max(0, $1.size - ($1.isCompressed ? 0 : known[$1.key]?.offset ?? 0))
        }
        return familiar == known.count ? [] : known.keys.filter { best[$0] == nil }
    }

    /// Reads on until a request is full, another agent's files begin or nothing is left.
    func step() -> Step {
        var step = Step()
        swap(&step.marks, &moved)
        guard let agent = open?.file.agent ?? files.first?.agent else { return finish(&step) }
        var sink = RecordSink(agent: agent, machine: options.machine, seen: seen)
        let limit = progress.bytes + Self.stepSize
        while !sink.isFull, progress.bytes < limit {
            if open == nil {
                guard let file = files.first, file.agent == agent else { break }
                files.removeFirst()
                openFile(file, &step)
            }
            if open != nil { readOn(into: &sink, until: limit, &step) }
        }
        report.calls += sink.callCount
        step.recordCount = sink.recordCount
        step.request = sink.isEmpty ? nil : sink.finish()
        return finish(&step)
    }

    private func finish(_ step: inout Step) -> Step {
        step.progress = progress
        step.report = report
        report = ScanReport()
        if open == nil, files.isEmpty { step.unreadable = unreadable }
        return step
    }

    /// Notes what cannot be opened now.
    func note(_ problem: ScanProblem) {
        report.note(problem)
        unreadable.note(problem)
    }
}
