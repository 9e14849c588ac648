// SPDX-License-Identifier: Apache-2.0

public import Files

/// The storage of a queue's files, on the disk or in memory; a parameter, so that tests can make every operation fail.
public protocol QueueStorage: Sendable {
    /// Whether overwriting an unused file is cheaper than creating a new one.
    var reusesFiles: Bool { get }
    /// Creates a folder and its parents, for this user only.
    func makeFolder(_ path: String) throws(FileError)
    /// The names in a folder; none when it is missing.
    func names(in folder: String) throws(FileError) -> [String]
    /// Opens a file for reading and writing; creates a missing one when `creating` is true.
    func open(_ path: String, creating: Bool) throws(FileError) -> any QueueFile
    /// Renames a file.
    func rename(_ path: String, to other: String) throws(FileError)
    /// Removes a file; a missing file is no error.
    func remove(_ path: String)
    /// Flushes the names in a folder to the disk.
    func syncFolder(_ path: String) throws(FileError)
    /// Locks a folder with this file until the result is deallocated.
    ///
    /// - Throws: A ``FileError`` whose ``FileError/isLocked`` is true when another process holds the lock.
    func lock(_ path: String) throws(FileError) -> any Sendable
}

extension QueueStorage {
    /// False by default.
    public var reusesFiles: Bool { false }
}

/// An open file of a queue.
///
/// It is closed with the last reference; other threads may read while one writes.
public protocol QueueFile: AnyObject, Sendable {
    /// The size in bytes.
    var size: Int { get }
    /// Writes two byte ranges one after the other at an offset no larger than the size. After a failure any part of them may have been
    /// written.
    func write(_ bytes: UnsafeRawBufferPointer, then more: UnsafeRawBufferPointer, at offset: Int)
        throws(FileError)
    /// Fills a buffer from an offset on; returns the number of bytes read.
    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) throws(FileError) -> Int
    /// Flushes all written bytes to the disk.
    func sync() throws(FileError)
    /// Truncates the file to a size, durably.
    func cut(to size: Int) throws(FileError)
    /// Closes the file descriptor until it is needed again.
    func releaseDescriptor()
}

extension QueueFile {
    /// Does nothing: files in memory have no descriptor.
    public func releaseDescriptor() {}

    /// Writes one or two arrays of bytes at an offset.
    func write(_ bytes: [UInt8], then more: [UInt8] = [], at offset: Int) throws(FileError) {
        guard !bytes.isEmpty else { return }
        var failure: FileError?
        bytes.withUnsafeBytes { bytes in
            more.withUnsafeBytes { more in
                do throws(FileError) {
                    try write(bytes, then: more, at: offset)
                } catch {
                    failure = error
                }
            }
        }
        if let failure { throw failure }
    }

    /// The bytes of a range, fewer at the end of the file.
    func bytes(at offset: Int, count: Int) throws(FileError) -> [UInt8] {
        var failure: FileError?
        let bytes = [UInt8](unsafeUninitializedCapacity: max(0, count)) { buffer, filled in
            do throws(FileError) {
                filled = try read(into: UnsafeMutableRawBufferPointer(buffer), at: offset)
            } catch {
                (failure, filled) = (error, 0)
            }
        }
        if let failure { throw failure }
        return bytes
    }
}
