/// Who waits for a connection, first come first served; each may leave early.
struct WaiterQueue {
    typealias WaiterID = UInt64

    struct Waiter: Equatable {
        let id: WaiterID
        let deadline: ContinuousClock.Instant
        /// Wants to hear of the first failed attempt to connect instead of waiting for a better one.
        let failsFast: Bool
    }

    private var waiters: [Waiter] = []
    private var head = 0

    var count: Int { waiters.count - head }
    var isEmpty: Bool { count == 0 }
    var first: Waiter? { isEmpty ? nil : waiters[head] }
    /// The nearest deadline. All wait equally long, so it is the first one's.
    var nextDeadline: ContinuousClock.Instant? { first?.deadline }

    mutating func append(_ waiter: Waiter) { waiters.append(waiter) }

    mutating func popFirst() -> Waiter? {
        guard let waiter = first else { return nil }
        head += 1
        // The served part is dropped when it outweighs the rest, so each element moves a constant number of times.
        if head > 64, head > waiters.count / 2 { removeServed() }
        return waiter
    }

    /// Removes those that match; returns them in order.
    mutating func remove(where matches: (Waiter) -> Bool) -> [Waiter] {
        removeServed()
        let removed = waiters.filter(matches)
        waiters.removeAll(where: matches)
        return removed
    }

    private mutating func removeServed() {
        waiters.removeFirst(head)
        head = 0
    }
}
