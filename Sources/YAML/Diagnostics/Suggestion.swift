// SPDX-License-Identifier: Apache-2.0

/// Returns the candidate that was probably intended, or nil when none is close.
///
/// Close is an edit distance of at most 2 and at most a third of the name's length (but 1 is always allowed); swapping
/// two neighbours counts one, upper and lower case are the same. Ties go to the alphabetically first.
public func suggestion(for name: String, among candidates: some Sequence<String>) -> String? {
    let longestCompared = 64
    let typed = Array(name.lowercased().unicodeScalars)
    guard !typed.isEmpty, typed.count <= longestCompared else { return nil }
    let limit = min(2, max(1, typed.count / 3))
    var best: (distance: Int, candidate: String)?
    for candidate in candidates where candidate != name {
        let letters = Array(candidate.lowercased().unicodeScalars)
        guard abs(letters.count - typed.count) <= limit else { continue }
        let distance = editDistance(typed, letters)
        // A single letter is never close to another.
        guard distance <= limit, distance < max(typed.count, letters.count) else { continue }
        if let current = best, (current.distance, current.candidate) <= (distance, candidate) { continue }
        best = (distance, candidate)
    }
    return best?.candidate
}

/// Returns the optimal string alignment distance: insertions, deletions, replacements and swaps of neighbours.
func editDistance(_ left: [Unicode.Scalar], _ right: [Unicode.Scalar]) -> Int {
    guard !left.isEmpty, !right.isEmpty else { return max(left.count, right.count) }
    var beforeLast: [Int] = []
    var last = Array(0...right.count)
    for row in 1...left.count {
        var current = [row]
        for column in 1...right.count {
            let replacement = last[column - 1] + (left[row - 1] == right[column - 1] ? 0 : 1)
            var cost = min(last[column] + 1, current[column - 1] + 1, replacement)
            if row > 1, column > 1, left[row - 1] == right[column - 2], left[row - 2] == right[column - 1] {
                cost = min(cost, beforeLast[column - 2] + 1)
            }
            current.append(cost)
        }
        (beforeLast, last) = (last, current)
    }
    return last[right.count]
}
