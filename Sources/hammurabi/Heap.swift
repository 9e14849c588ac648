// SPDX-License-Identifier: Apache-2.0

import CMalloc

/// How the C library deals with memory that is freed.
enum Heap {
    /// Keeps a few mebibytes of it for the next request.
    ///
    /// A request takes some hundred kilobytes that the next one takes again. By itself the library gives each 128 KiB back to the
    /// system at once, which clears and maps them anew: a tenth of all the time.
    static func keepFreedMemory() {
        _ = mallopt(M_TRIM_THRESHOLD, 4 << 20)
        _ = mallopt(M_MMAP_THRESHOLD, 2 << 20)
    }
}
