/// Finds what a mistyped key or name was meant to be.
package enum Spelling {
    /// The nearest known word within two edits (one for short words); nil when none is near.
    package static func suggestion(for word: String, among known: [String]) -> String? {
        // A key longer than any known one by more than two edits can't match: skip the quadratic part for absurd input.
        let reachable = known.filter { abs($0.count - word.count) <= 2 }
        let near = reachable.map { (word: $0, distance: distance(Array(word.lowercased()), Array($0))) }
        let best = near.min { $0.distance < $1.distance }
        guard let best, best.distance <= (best.word.count < 5 ? 1 : 2) else { return nil }
        return best.word
    }

    /// Insertions, deletions, replacements and swaps of neighbours that lead from one word to the other.
    static func distance(_ a: [Character], _ b: [Character]) -> Int {
        var older: [Int] = []
        var previous = Array(0...b.count)
        for i in a.indices {
            var current = [i + 1]
            for j in b.indices {
                var cost = min(previous[j + 1], current[j]) + 1
                cost = min(cost, previous[j] + (a[i] == b[j] ? 0 : 1))
                if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] { cost = min(cost, older[j - 1] + 1) }
                current.append(cost)
            }
            older = previous
            previous = current
        }
        return previous[b.count]
    }
}
