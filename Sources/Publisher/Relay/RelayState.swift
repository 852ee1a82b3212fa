internal import FoundationEssentials
internal import IOThread
internal import Store

/// What became of messages, for the next write to the database.
struct RelaySettlement: Sendable {
    var confirmed: [OutboxMessage] = []
    /// Not published, through no fault of their own.
    var unsent: [OutboxMessage] = []
    var refused: [OutboxRefusal] = []
    /// Of the confirmed: nobody wanted them any more.
    var dropped: [OutboxMessage] = []

    var isEmpty: Bool { confirmed.isEmpty && unsent.isEmpty && refused.isEmpty }

    /// Those of them that are still to be settled, as somebody held their rows.
    func only(_ rows: Set<UUID>) -> RelaySettlement {
        RelaySettlement(
            confirmed: confirmed.filter { rows.contains($0.row) }, unsent: unsent.filter { rows.contains($0.row) })
    }

    static func += (left: inout RelaySettlement, right: RelaySettlement) {
        left.confirmed += right.confirmed
        left.unsent += right.unsent
        left.refused += right.refused
        left.dropped += right.dropped
    }
}

/// Which destinations have a batch under way or must be left alone for a while.
struct RelayState {
    typealias Instant = ContinuousClock.Instant

    private struct Pause {
        var until: Instant
        var failures: Int
    }

    private static let backoff = Backoff(base: .milliseconds(250))

    private var underWay: [String: Int] = [:]
    private(set) var progress = ProgressWatch()
    private var pauses: [String: Pause] = [:]
    private var over = RelaySettlement()

    /// Destinations to leave alone now.
    mutating func busy(at now: Instant) -> [String] {
        // A queue that nobody wrote to for a minute is forgotten: there may be many of replies.
        pauses = pauses.filter { $0.value.until > now - .seconds(60) }
        return Array(underWay.keys) + pauses.filter { $0.value.until > now && underWay[$0.key] == nil }.map(\.key)
    }

    /// Nothing got through there for so many batches that the messages go one by one.
    func isStuck(_ destination: String) -> Bool { (pauses[destination]?.failures ?? 0) >= 4 }

    /// - Parameter batches: how many messages go to which destination.
    mutating func begin(_ batches: [String: Int], at now: Instant) {
        underWay.merge(batches, uniquingKeysWith: +)
        noteWaiting(at: now)
    }

    /// The outbox can't be read: nobody knows what waits there.
    mutating func unreadable(because reason: String, at now: Instant) {
        progress.waits(max(1, underWay.values.reduce(0, +)), at: now)
        progress.failed(reason)
    }

    /// Where trouble left messages behind, they wait still.
    private mutating func noteWaiting(at now: Instant) {
        progress.waits(underWay.values.reduce(pauses.count, +), at: now)
    }

    /// A batch is over. After trouble its destination rests: 250 ms, doubled each time, up to 5 s.
    mutating func end(_ destination: String, _ settlement: RelaySettlement, trouble: String?, at now: Instant) {
        underWay[destination] = nil
        over += settlement
        defer {
            noteWaiting(at: now)
            if !settlement.confirmed.isEmpty { progress.progressed(at: now) }
            if let trouble { progress.failed(trouble) }
        }
        guard trouble != nil else {
            pauses[destination] = nil
            return
        }
        let failures = (pauses[destination]?.failures ?? 0) + 1
        pauses[destination] = Pause(until: now + Self.backoff.pause(after: failures), failures: failures)
    }

    mutating func takeOver() -> RelaySettlement {
        let taken = over
        over = RelaySettlement()
        return taken
    }

    mutating func giveBack(_ settlement: RelaySettlement) { over += settlement }
}
