// SPDX-License-Identifier: Apache-2.0

import Glibc

/// The pages of code that this process has in memory, its own and those of its libraries.
enum CodePages {
    /// Takes all of them out of the process; those that are needed come back from the system's cache of files, a microsecond each.
    ///
    /// Twenty megabytes of code are touched by reading a configuration and building a graph, and few of them again. They are the
    /// files' pages and unchanged, so the system would take them when memory is short; until then they count as the process's.
    static func release() {
        for mapping in mappings(in: "/proc/self/maps") {
            guard let start = UnsafeMutableRawPointer(bitPattern: mapping.lowerBound) else { continue }
            // When the system refuses, they stay.
            _ = madvise(start, mapping.count, MADV_DONTNEED)
        }
    }

    /// The parts of memory that hold code of files, which nothing can have written to; none when the list cannot be read.
    static func mappings(in path: String) -> [Range<UInt>] {
        guard let file = fopen(path, "re") else { return [] }
        defer { fclose(file) }
        var mappings: [Range<UInt>] = []
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: 4_352) { line in
            while let text = fgets(line.baseAddress, Int32(line.count), file) {
                if let mapping = mapping(String(cString: text)) { mappings.append(mapping) }
            }
        }
        return mappings
    }

    /// Reads a line such as `5581c000-5583f000 r-xp 0001c000 fe:00 4907009   /usr/bin/x`; nil for memory of another sort.
    private static func mapping(_ line: String) -> Range<UInt>? {
        let fields = line.split(separator: " ", maxSplits: 5, omittingEmptySubsequences: true)
        guard fields.count == 6, fields[1] == "r-xp", fields[5].first(where: { $0 != " " }) == "/" else { return nil }
        let bounds = fields[0].split(separator: "-").compactMap { UInt($0, radix: 16) }
        guard bounds.count == 2, bounds[0] < bounds[1] else { return nil }
        return bounds[0]..<bounds[1]
    }
}
