// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
public import Usage

/// A log of the changes to settings files, so that they can be undone.
///
/// It consists of `onboarding.json` in the program's folder and copies of the files before the change.
public struct ChangeLog: Sendable {
    /// One change that was made.
    public struct Record: Codable, Sendable, Hashable {
        /// The agent whose settings they are, or `service`.
        public var subject: String
        /// The path under which the program reads the file.
        public var path: String
        /// The path after following links.
        public var target: String
        /// The name of the copy of the old content; nil when the file did not exist.
        public var backup: String?
        /// The old permission bits; nil when the file did not exist.
        public var mode: UInt32?
        /// The fingerprint of the written content.
        public var written: String
        /// The folders that were created for it.
        public var folders: [String]
        /// The time of the change, in ISO 8601.
        public var time: String
    }

    private struct Document: Codable {
        var version = 1
        var records: [Record] = []
    }

    private let files: LocalFiles
    private let home: String

    private var path: String { home + "/onboarding.json" }
    private var backups: String { home + "/backups" }

    /// The change log in the program's folder, which is created at the first write.
    public init(home: String, files: LocalFiles) {
        self.home = home
        self.files = files
    }

    /// The changes that were not undone, oldest first.
    public func records() throws(SettingsError) -> [Record] {
        // The log must be in the program's own folder: a link could lead to a file of another user.
        guard files.target(of: path) == path else {
            throw SettingsError(.badContent, "\(path) is a symbolic link; remove it and try again")
        }
        guard let bytes = try files.read(path) else { return [] }
        guard let document = try? JSONDecoder().decode(Document.self, from: Data(bytes)) else {
            throw SettingsError(.badContent, "\(path) is not a journal of this program; set it aside and try again")
        }
        return document.records
    }

    private func save(_ records: [Record]) throws(SettingsError) {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        guard let data = try? encoder.encode(Document(records: records)) else {
            throw SettingsError(.inputOutput, "\(path) could not be written; nothing was changed")
        }
        try files.replace(path, with: Array(data) + [10], mode: 0o600)
    }

    // MARK: - Changing

    /// Writes a file: first the copy of its old content and the record of the change, then the file itself.
    ///
    /// Throws when the file has changed since it was read, or when anything cannot be written; the file is then unchanged.
    public func apply(_ change: FileChange, subject: String, now: Timestamp) throws(SettingsError) {
        let file = change.file
        guard try files.read(file.target) == file.content, files.target(of: file.path) == file.target else {
            throw SettingsError(
                .inputOutput,
                "\(file.path) was changed by another program meanwhile; try again, nothing was written"
            )
        }
        var standing = try records()
        _ = try files.makeFolders(backups, mode: 0o700)
        let folders = try files.makeFolders(LocalFiles.folder(of: file.target), mode: 0o755)
        let record = Record(
            subject: subject,
            path: file.path,
            target: file.target,
            backup: try file.content.map { content throws(SettingsError) in try keep(content, of: file, now: now) },
            mode: file.mode,
            written: Self.fingerprint(change.content),
            folders: folders,
            time: now.iso8601
        )
        do {
            standing.append(record)
            try save(standing)
            try files.replace(file.target, with: change.content, mode: change.mode)
        } catch {
            try? forget([record])
            for folder in folders.reversed() { files.removeEmptyFolder(folder) }
            throw error
        }
    }

    /// Keeps a copy under a name made of the file and the time.
    private func keep(_ content: [UInt8], of file: SettingsFile, now: Timestamp) throws(SettingsError) -> String {
        let base = file.path.split(separator: "/").suffix(2).joined(separator: "-").filter { $0 != "/" }
        var name = "\(now.nanoseconds)-\(base)"
        while files.status(backups + "/" + name) != nil { name += "+" }
        try files.replace(backups + "/" + name, with: content, mode: 0o600)
        return name
    }

    private func forget(_ gone: [Record]) throws(SettingsError) {
        try save(try records().filter { !gone.contains($0) })
        for backup in gone.compactMap(\.backup) { try files.remove(backups + "/" + backup) }
    }

    private static func fingerprint(_ bytes: [UInt8]) -> String {
        func half(_ domain: StaticString) -> String {
            var hash = StableHash(domain: domain)
            hash.combine(bytes: bytes.span.bytes)
            return String(hash.value, radix: 16)
        }
        return "\(bytes.count)-\(half("onboarding.a"))-\(half("onboarding.b"))"
    }

    // MARK: - Undoing

    /// The result of undoing the changes of one file.
    public struct Undone: Sendable, Hashable {
        /// The agent whose settings they are, or `service`.
        public let subject: String
        /// The file.
        public let path: String
        /// The outcome.
        public let result: Result

        /// The possible outcomes for a file.
        public enum Result: Sendable, Hashable {
            /// It has its old content, byte for byte.
            case restored
            /// It did not exist before and was removed.
            case removed
            /// It was changed since, so it was left unchanged.
            case changedSince
            /// It could not be restored.
            case failed(SettingsError)
        }
    }

    /// Restores files to their content before this program first changed them.
    ///
    /// - Parameters:
    ///   - subjects: The agents whose files are restored; empty for all.
    ///   - force: Whether to restore files that were changed since, too; their present content is kept among the copies.
    ///   - pretend: Whether only to report what would be done.
    public func undo(
        _ subjects: Set<String> = [],
        force: Bool = false,
        pretend: Bool = false,
        now: Timestamp
    ) throws(SettingsError) -> [Undone] {
        let chosen = try records().filter { subjects.isEmpty || subjects.contains($0.subject) }
        var order: [String] = []
        for record in chosen where !order.contains(record.target) { order.append(record.target) }
        return order.map { target in
            let chain = chosen.filter { $0.target == target }
            let result: Undone.Result
            do throws(SettingsError) {
                result = try restore(chain, force: force, pretend: pretend, now: now)
            } catch {
                result = .failed(error)
            }
            return Undone(subject: chain[0].subject, path: chain[0].path, result: result)
        }
    }

    /// Undoes the changes of one file, newest first, as long as each change left what the next one found.
    private func restore(
        _ chain: [Record],
        force: Bool,
        pretend: Bool,
        now: Timestamp
    ) throws(SettingsError) -> Undone.Result {
        let first = chain[0]
        var current: [UInt8]? = try files.read(first.target)
        let found = current
        var undone: [Record] = []
        for record in chain.reversed() {
            let before = try content(before: record)
            // A recorded change that was never made has nothing to undo.
            guard force || current.map(Self.fingerprint) == record.written || current == before else { break }
            guard files.target(of: record.path) == record.target || force else { break }
            undone.append(record)
            current = before
        }
        guard let oldest = undone.last, oldest == first else { return .changedSince }
        if pretend { return current == nil ? .removed : .restored }
        if force, let found, Self.fingerprint(found) != chain[chain.count - 1].written, found != current {
            let file = SettingsFile(path: first.path, target: first.target, content: found, mode: nil)
            _ = try keep(found, of: file, now: now)
        }
        if let current {
            _ = try files.makeFolders(LocalFiles.folder(of: first.target), mode: 0o755)
            try files.replace(first.target, with: current, mode: oldest.mode ?? 0o600)
        } else {
            try files.remove(first.target)
            for folder in undone.flatMap(\.folders).reversed() { files.removeEmptyFolder(folder) }
        }
        try forget(undone)
        return current == nil ? .removed : .restored
    }

    private func content(before record: Record) throws(SettingsError) -> [UInt8]? {
        guard let backup = record.backup else { return nil }
        guard let content = try files.read(backups + "/" + backup) else {
            throw SettingsError(
                .inputOutput,
                "\(backups)/\(backup), the copy of \(record.path), is gone; nothing was changed"
            )
        }
        return content
    }
}
