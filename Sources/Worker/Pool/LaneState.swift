internal import AMQP
internal import DequeModule

/// When deliveries are registered in the database instead of waiting here for a slot.
struct RegistrationTerms: Sendable {
    /// At how many looks in a row jobs must hold the slots.
    var busyLooks = 3
    /// How long it waits in any case.
    var patience: Duration
}

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
    /// It has a limit of its own, which all workers keep together: only the line knows who is next.
    private(set) var isLimited = false
    /// Orders may wait in its line, in the database: they go first, and what comes stands behind them.
    private(set) var hasLine = false
    /// How many of its slots are held by handlers; the others' are on their way into or out of the database.
    private(set) var working = 0
    /// How many looks it takes without a line until the broker hands out less again.
    static let narrowsAfter = 50
    private var narrowLooks = 0
    /// How many deliveries the broker hands out at a time; nil: as many as there are slots.
    private(set) var widened: Int?
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
    /// What is delivered may be claimed at once: there is a slot, and nothing that goes first.
    var isOpen: Bool { free > 0 && !goesByLine }
    /// A slot is free that nothing delivered wants: its line may have something that is not known of.
    var mayHaveLine: Bool { free > 0 && !hasLine && !isPaused && (isLimited || waiting.isEmpty) }
    /// What comes is registered, and taken in its turn.
    var goesByLine: Bool { isPaused || isLimited || hasLine }

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

    /// At how many looks in a row its slots were held by jobs, not by the database: then what comes will wait, and the
    /// broker has more of it.
    private var busyLooks = 0

    /// One look more.
    mutating func look() { busyLooks = free == 0 && working * 2 >= slots ? busyLooks + 1 : max(0, busyLooks - 1) }

    /// Whether what was delivered is to be registered: it would wait here, where nobody sees it and it keeps its turn
    /// from nobody. A database that is the bottleneck itself has no use for another way through it.
    func wantsRegistration(_ terms: RegistrationTerms, at now: Instant) -> Bool {
        guard let oldest = waiting.first else { return false }
        if goesByLine { return true }
        return free == 0 && (busyLooks >= terms.busyLooks || oldest.since < now - terms.patience)
    }

    /// What is to be registered, up to these bounds.
    mutating func takeRegistrable(
        _ terms: RegistrationTerms, at now: Instant, upTo limit: Int, bytes: Int
    ) -> [Delivery] {
        guard wantsRegistration(terms, at: now) else { return [] }
        var size = 0
        let taken = waiting.prefix(limit).prefix { entry in
            defer { size += entry.delivery.body.count }
            return size < bytes
        }.map(\.delivery)
        waiting.removeFirst(taken.count)
        return taken
    }

    mutating func setLine(_ hasLine: Bool) { self.hasLine = hasLine }

    /// While there is a line, the broker hands out more than there are slots: all of it is registered.
    /// Where there is none any more that stays so for a while: each change costs the consumer anew.
    /// - Returns: the number, where it has just changed.
    mutating func widen() -> Int? {
        narrowLooks = goesByLine ? 0 : narrowLooks + 1
        let wanted: Int? = goesByLine || widened != nil && narrowLooks < Self.narrowsAfter ? 500 : nil
        guard wanted != widened else { return nil }
        widened = wanted
        return prefetch
    }

    /// As many as it has slots, so that short jobs never wait for the broker.
    var prefetch: Int { min(2000, max(slots, widened ?? 1)) }

    mutating func startWorking() { working += 1 }
    mutating func stopWorking() { working -= 1 }

    mutating func reserve(_ count: Int = 1) { running += count }
    mutating func release(_ count: Int = 1) { running -= count }

    /// - Returns: how many slots it had.
    mutating func setSlots(_ count: Int) -> Int {
        defer { slots = count }
        return slots
    }

    /// - Returns: whether an operator has just paused it or let it go on.
    mutating func follow(weight: Int, isPaused: Bool, isLimited: Bool) -> Bool {
        self.weight = weight
        self.isLimited = isLimited
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
