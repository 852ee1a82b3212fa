package import Postgres

/// Does a batch as far as it goes, in one look: what fails is halved until the bad item stands alone. For loops that
/// look at the same rows again and again; ``IsolatingWriter`` is for what comes once.
///
/// - Parameters:
///   - attempt: does some of the items in one commit.
///   - alone: hears of each item that failed by itself.
/// - Throws: what the database said when it is away; then nothing more is tried.
package func bisecting<Item: Sendable>(
    _ items: [Item], attempt: ([Item]) async throws(PostgresError) -> Void,
    alone: (Item, PostgresError) async -> Void
) async throws(PostgresError) {
    var pieces = items.isEmpty ? [] : [items]
    while let piece = pieces.popLast() {
        do throws(PostgresError) {
            try await attempt(piece)
        } catch {
            if error.fault == .away { throw error }
            if piece.count == 1 {
                await alone(piece[0], error)
            } else {
                let middle = piece.count / 2
                pieces += [Array(piece[middle...]), Array(piece[..<middle])]
            }
        }
    }
}

/// Counts how often items of such a loop failed alone, one look after the other. Pure.
package struct Failures<Key: Hashable & Sendable>: Sendable {
    private var counts: [Key: Int] = [:]
    /// More keys than this are not told apart; the oldest counts are of no more worth than new ones.
    private let limit = 10_000

    package init() {}

    /// One more failure; returns how many there were in a row.
    package mutating func add(_ key: Key) -> Int {
        if counts.count >= limit { counts.removeAll() }
        counts[key, default: 0] += 1
        return counts[key] ?? 1
    }

    /// It went through, or is no longer ours.
    package mutating func clear(_ key: Key) { counts[key] = nil }
}
