// SPDX-License-Identifier: Apache-2.0

public import Files

/// Where a queue keeps its files: the disk, or memory; passed in, so that tests can let anything fail.
public protocol QueueStorage: Sendable {
    /// Whether to write over a file that is not needed any more costs less than to make a new one.
    var reusesFiles: Bool { get }
    /// Makes a folder and those above it, for this user only.
    func makeFolder(_ path: String) throws(FileError)
    /// The names in a folder; none when it is missing.
    func names(in folder: String) throws(FileError) -> [String]
    /// Opens a file for reading and writing, and makes it if it is not there when `creating` it.
    func open(_ path: String, creating: Bool) throws(FileError) -> any QueueFile
    /// Gives a file another name.
    func rename(_ path: String, to other: String) throws(FileError)
    /// Removes a file; one that is not there is removed.
    func remove(_ path: String)
    /// Puts the names in a folder on the disk.
    func syncFolder(_ path: String) throws(FileError)
    /// Keeps others from the file's folder as long as the result lives.
    ///
    /// - Throws: An error that ``FileError/isLocked`` when somebody else has it.
    func lock(_ path: String) throws(FileError) -> any Sendable
}

extension QueueStorage {
    /// Files come and go, where nothing else is said.
    public var reusesFiles: Bool { false }
}

/// An open file of a queue; closed with the last reference, may be read from anywhere while one writes.
public protocol QueueFile: AnyObject, Sendable {
    /// The size in bytes.
    var size: Int { get }
    /// Writes two ranges of bytes one behind the other at an offset no larger than the size; when it fails, any part of them may
    /// be there.
    func write(_ bytes: UnsafeRawBufferPointer, then more: UnsafeRawBufferPointer, at offset: Int)
        throws(FileError)
    /// Fills a buffer from an offset on; how many bytes there were.
    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) throws(FileError) -> Int
    /// Puts everything that was written on the disk.
    func sync() throws(FileError)
    /// Cuts the file to a size, on the disk when it returns.
    func cut(to size: Int) throws(FileError)
    /// Gives up what the system lends for it, until it is needed again.
    func releaseDescriptor()
}

extension QueueFile {
    /// What lies in memory needs nothing of the system.
    public func releaseDescriptor() {}

    /// Writes bytes, and others behind them, at an offset.
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

    /// A range of the file, shorter at its end.
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
