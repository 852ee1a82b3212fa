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

    private var underWay: Set<String> = []
    private var pauses: [String: Pause] = [:]
    private var over = RelaySettlement()

    /// Destinations to leave alone now.
    mutating func busy(at now: Instant) -> [String] {
        // A queue that nobody wrote to for a minute is forgotten: there may be many of replies.
        pauses = pauses.filter { $0.value.until > now - .seconds(60) }
        return Array(underWay) + pauses.filter { $0.value.until > now && !underWay.contains($0.key) }.map(\.key)
    }

    mutating func begin(_ destinations: some Sequence<String>) { underWay.formUnion(destinations) }

    /// A batch is over. After trouble its destination rests: 250 ms, doubled each time, up to 5 s.
    mutating func end(_ destination: String, _ settlement: RelaySettlement, isTrouble: Bool, at now: Instant) {
        underWay.remove(destination)
        over += settlement
        guard isTrouble else {
            pauses[destination] = nil
            return
        }
        let failures = min((pauses[destination]?.failures ?? 0) + 1, 6)
        let rest = min(.milliseconds(125) * (1 << failures), Duration.seconds(5))
        pauses[destination] = Pause(until: now + rest, failures: failures)
    }

    mutating func takeOver() -> RelaySettlement {
        let taken = over
        over = RelaySettlement()
        return taken
    }

    mutating func giveBack(_ settlement: RelaySettlement) { over += settlement }
}
