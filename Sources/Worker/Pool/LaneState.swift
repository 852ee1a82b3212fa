internal import AMQP
internal import DequeModule

/// One lane of a worker: its slots, and what was delivered and waits for one. Pure.
struct LaneState: Sendable {
    typealias Instant = ContinuousClock.Instant

    struct Waiting: Sendable {
        let delivery: Delivery
        let since: Instant
    }

    let name: String
    private(set) var slots: Int
    /// Its share of a batch next to the other lanes' weights.
    private(set) var weight: Int
    /// Slots that are taken: by jobs, and by claims under way.
    private(set) var running = 0
    private(set) var waiting: Deque<Waiting> = []
    /// Its consumer is paused, for whatever reason.
    private(set) var isConsumerPaused = false
    /// An operator paused it.
    private(set) var isPaused = false
    /// How many of its deliveries were apart when its consumer was last started anew for their sake.
    private(set) var renewedFor = 0
    /// What it is owed of the batches so far, in weights.
    private(set) var credit = 0

    init(name: String, slots: Int, weight: Int) {
        self.name = name
        self.slots = slots
        self.weight = weight
    }

    var free: Int { max(0, slots - running) }

    mutating func arrive(_ delivery: Delivery, at now: Instant) {
        waiting.append(Waiting(delivery: delivery, since: now))
    }

    /// First in the line again.
    mutating func putBack(_ entry: Waiting) { waiting.prepend(entry) }

    mutating func takeFirst() -> Waiting? { waiting.popFirst() }

    mutating func takeAll() -> [Delivery] {
        defer { waiting.removeAll() }
        return waiting.map(\.delivery)
    }

    /// What has waited since before the deadline without a free slot, and what is behind it, up to these bounds.
    mutating func takeOverdue(before deadline: Instant, upTo limit: Int, bytes: Int) -> [Delivery] {
        guard free == 0, let oldest = waiting.first, oldest.since < deadline else { return [] }
        var size = 0
        let taken = waiting.prefix(limit).prefix { entry in
            defer { size += entry.delivery.body.count }
            return size < bytes
        }.map(\.delivery)
        waiting.removeFirst(taken.count)
        return taken
    }

    mutating func reserve(_ count: Int = 1) { running += count }
    mutating func release(_ count: Int = 1) { running -= count }

    /// - Returns: how many slots it had.
    mutating func setSlots(_ count: Int) -> Int {
        defer { slots = count }
        return slots
    }

    /// - Returns: whether an operator has just paused it or let it go on.
    mutating func follow(weight: Int, isPaused: Bool) -> Bool {
        self.weight = weight
        defer { self.isPaused = isPaused }
        return self.isPaused != isPaused
    }

    mutating func setConsumerPaused(_ isPaused: Bool) { isConsumerPaused = isPaused }

    /// Whether its consumer is to be started anew, so that what is apart takes nothing of what the broker hands out at a
    /// time. Where nothing at all passes, not everything is taken from the queue.
    mutating func wantsRenewal(apart: Int) -> Bool {
        renewedFor = min(renewedFor, apart)
        return apart > renewedFor && apart <= max(64, 2 * slots) && free > 0 && waiting.isEmpty && !isConsumerPaused
    }

    mutating func renewed(for apart: Int) { renewedFor = apart }

    /// A turn in which it could go: it is owed its weight.
    mutating func earn() { credit += weight }
    /// It goes, and pays for the turn.
    mutating func pay(_ turn: Int) { credit -= turn }
    /// Who has nothing to do saves nothing up.
    mutating func forgetCredit() { credit = 0 }
}
