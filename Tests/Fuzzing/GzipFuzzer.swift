// SPDX-License-Identifier: Apache-2.0

/// More than most inputs decompress to, less than some do; half of the largest allocation (`-malloc_limit_mb=1`).
private let limit = 1 << 19

/// Decompresses one input; libFuzzer's own options limit the memory.
@_cdecl("LLVMFuzzerTestOneInput")
func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let input = Array(UnsafeBufferPointer(start: start, count: count))
    let result = Result { () throws(Gzip.Failure) in try Gzip.inflate(input, limit: limit) }
    switch result {
    case .success(let output):
        require(output.count <= limit, "never more than the limit")
        let exact = try? Gzip.inflate(input, limit: output.count)
        require(exact == output, "the limit is exact")
        if !output.isEmpty {
            let short = Result { () throws(Gzip.Failure) in try Gzip.inflate(input, limit: output.count - 1) }
            require(short == .failure(.tooLarge), "one byte less is too little")
        }
        let twice = try? Gzip.inflate(input + input, limit: 2 * output.count)
        require(twice == output + output, "two bodies in a row are both inflated")
    case .failure: break
    }
    return 0
}
