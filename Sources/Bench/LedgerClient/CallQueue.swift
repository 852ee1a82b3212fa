internal import DequeModule

/// What waits for the next statement, in order of arrival: a queue of limited length, and before it those who wait for
/// room. Tickets rise through both.
struct CallQueue {
    let capacity: Int
    let batchLimit: Int

    private(set) var queued: Deque<LedgerCall> = []
    private(set) var waiting: Deque<LedgerCall> = []
    /// Go before all others: who asks for a name again must find what was given back, not what is about to be.
    private(set) var orphans: Deque<LedgerCall> = []
    private var nextTicket: UInt64 = 1

    var isEmpty: Bool { queued.isEmpty && waiting.isEmpty && orphans.isEmpty }
    private var all: [LedgerCall] { Array(orphans) + Array(queued) + Array(waiting) }
    var earliestDeadline: ContinuousClock.Instant? { all.map(\.deadline).min() }

    init(capacity: Int, batchLimit: Int) {
        self.capacity = capacity
        self.batchLimit = batchLimit
    }

    mutating func add(_ item: LedgerItem, deadline: ContinuousClock.Instant) -> LedgerCall {
        let call = LedgerCall(ticket: takeTicket(), item: item, deadline: deadline)
        // While somebody waits for room, nobody gets in before.
        if waiting.isEmpty, queued.count < capacity { queued.append(call) } else { waiting.append(call) }
        return call
    }

    /// Gives a hold back.
    mutating func addOrphan(_ name: HoldName, deadline: ContinuousClock.Instant) {
        orphans.append(
            LedgerCall(ticket: takeTicket(), item: .move(name, .cancel), deadline: deadline, isOrphan: true))
    }

    /// Everything for one statement, in order. It ends before a name that is in it already: the second question about a
    /// hold is asked after the first one's answer.
    mutating func take() -> [LedgerCall] {
        var calls: [LedgerCall] = []
        var names: Set<HoldName> = []
        while calls.count < batchLimit, let call = orphans.first ?? queued.first {
            guard names.insert(call.item.name).inserted else { break }
            if call.isOrphan { orphans.removeFirst() } else { queued.removeFirst() }
            // Who left between a look and the next needs no answer.
            if call.send() { calls.append(call) }
        }
        admit()
        return calls
    }

    /// The caller has left; does nothing when it was taken already.
    mutating func remove(_ call: LedgerCall) {
        if let index = Self.index(of: call, in: queued) {
            queued.remove(at: index)
            admit()
        } else if let index = Self.index(of: call, in: waiting) {
            waiting.remove(at: index)
        }
    }

    /// Takes out all whose deadline has passed.
    mutating func removeExpired(now: ContinuousClock.Instant) -> [LedgerCall] {
        let expired = all.filter { call in call.deadline <= now }
        guard !expired.isEmpty else { return [] }
        orphans.removeAll { call in call.deadline <= now }
        queued.removeAll { call in call.deadline <= now }
        waiting.removeAll { call in call.deadline <= now }
        admit()
        return expired
    }

    mutating func removeAll() -> [LedgerCall] {
        let calls = all
        orphans.removeAll()
        queued.removeAll()
        waiting.removeAll()
        return calls
    }

    private mutating func admit() {
        while queued.count < capacity, let next = waiting.popFirst() { queued.append(next) }
    }

    private mutating func takeTicket() -> UInt64 {
        defer { nextTicket += 1 }
        return nextTicket
    }

    private static func index(of call: LedgerCall, in calls: Deque<LedgerCall>) -> Int? {
        var (low, high) = (0, calls.count)
        while low < high {
            let middle = (low + high) / 2
            if calls[middle].ticket < call.ticket { low = middle + 1 } else { high = middle }
        }
        return low < calls.count && calls[low] === call ? low : nil
    }
}
