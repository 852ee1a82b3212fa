internal import AMQP
internal import Store
internal import WorkOrders

/// What a worker has in hand: deliveries that wait, jobs that run, ends that wait to be written. Pure: each verb does one
/// thing, returns what is to be done because of it, and notes who is to be woken.
struct PoolState: Sendable {
    typealias Instant = ContinuousClock.Instant

    /// Who has something to do that it did not have before.
    struct Wakes: OptionSet, Sendable {
        let rawValue: UInt8
        /// A delivery may find a free slot.
        static let claims = Wakes(rawValue: 1)
        /// The end of an attempt waits to be written.
        static let finishes = Wakes(rawValue: 2)
        /// A delivery is to be registered.
        static let registrations = Wakes(rawValue: 4)
        /// Slots are free, and nothing that was delivered wants them: the line may have something.
        static let line = Wakes(rawValue: 8)
    }

    /// Whether slots could be had.
    enum Reservation: Sendable { case reserved, full, stopping }

    /// No batch takes more once it holds so many bytes.
    static let batchBytes = 16 << 20

    private(set) var lanes: [LaneState]
    private(set) var jobs = RunningJobs()
    private(set) var finishes: [FinishTry] = []
    /// Deliveries that came back so often that each is read apart.
    private(set) var suspects: [Taken] = []
    private(set) var isConsuming = false
    private(set) var isStopping = false
    /// The database is away: no lane consumes, whatever slots are free.
    private(set) var isIntakeStopped = false
    /// Whether this machine can start work.
    private(set) var host = HostState()
    /// The last thing the database said, while it can't be reached.
    private(set) var databaseTrouble: String?
    /// How old the oldest order of the latest claim was.
    private(set) var claimedAge: (age: Duration, at: Instant)?
    /// The lane whose deliveries were registered last.
    private var registered = 0
    private var wakes: Wakes = []

    init(lanes: [WorkerConfiguration.Lane]) {
        self.lanes = lanes.map { LaneState(name: $0.name, slots: $0.slots, weight: $0.weight) }
    }

    var slots: Int { lanes.reduce(0) { $0 + $1.slots } }
    /// Slots that are taken.
    var running: Int { lanes.reduce(0) { $0 + $1.running } }
    /// A claim is under way: slots are taken for which no job runs yet.
    var hasClaims: Bool { running > jobs.count }
    /// Nothing is claimed, nothing runs and nothing waits to be written.
    var isIdle: Bool { jobs.isEmpty && finishes.isEmpty && !hasClaims }
    private var takesNothing: Bool { isStopping || isIntakeStopped || host.trouble != nil }

    /// Whom to wake because of what was done since the last question.
    mutating func takeWakes() -> Wakes {
        defer { wakes = [] }
        return wakes
    }

    // MARK: Deliveries

    /// - Parameter suspected: it came back so often that it is read apart.
    /// - Returns: false when the worker stops: they go back.
    mutating func arrive(_ deliveries: [Delivery], lane: Int, at now: Instant, suspected: (Delivery) -> Bool) -> Bool {
        guard !isStopping else { return false }
        for delivery in deliveries {
            if suspected(delivery) {
                suspects.append(Taken(lane: lane, delivery: delivery))
            } else {
                lanes[lane].arrive(delivery, at: now)
            }
        }
        wakes.insert(lanes[lane].goesByLine ? .registrations : .claims)
        return true
    }

    /// Takes deliveries for free slots, from the lanes in turn by their weights: each turn gives every lane that could
    /// go its weight, and the one that is owed most goes and pays for the turn. So none starves, whatever the others
    /// hold. A second message of one id waits for the next batch. Each has a slot from now on.
    ///
    /// A batch is bounded in bytes as well: one statement holds all its bodies.
    mutating func takeClaimable(upTo limit: Int, bytes: Int = PoolState.batchBytes) -> [Taken] {
        guard !isStopping, host.trouble == nil else { return [] }
        var size = 0
        var taken: [Taken] = []
        // The same id, small and capital letters mixed, is found when the messages are read.
        var ids: Set<String> = []
        var again: [(lane: Int, entry: LaneState.Waiting)] = []
        while taken.count < limit, size < bytes, let lane = nextLane(), let entry = lanes[lane].takeFirst() {
            if let id = entry.delivery.properties.messageID, !ids.insert(id).inserted {
                again.append((lane, entry))
                continue
            }
            lanes[lane].reserve()
            taken.append(Taken(lane: lane, delivery: entry.delivery))
            size += entry.delivery.body.count
        }
        for (lane, entry) in again.reversed() { lanes[lane].putBack(entry) }
        return taken
    }

    private mutating func nextLane() -> Int? {
        if lanes.count == 1 { return lanes[0].isOpen ? 0 : nil }
        var next: Int?
        var turn = 0
        for index in lanes.indices {
            guard lanes[index].isOpen, !lanes[index].waiting.isEmpty else {
                lanes[index].forgetCredit()
                continue
            }
            turn += lanes[index].weight
            lanes[index].earn()
            if next.map({ lanes[index].credit > lanes[$0].credit }) ?? true { next = index }
        }
        if let next { lanes[next].pay(turn) }
        return next
    }

    /// Takes one that is read apart, any of them; none while the worker stops or the database is away.
    mutating func takeSuspect() -> Taken? {
        guard !isStopping, !isIntakeStopped, let index = suspects.indices.randomElement() else { return nil }
        suspects.swapAt(index, suspects.count - 1)
        return suspects.removeLast()
    }

    /// Takes what would wait for a slot: it is registered, so that it can be seen, and no delivery is held for the length
    /// of a job. From now on the lane has a line.
    mutating func takeRegistrable(_ terms: RegistrationTerms, at now: Instant, upTo limit: Int) -> [Taken] {
        guard !isStopping, !isIntakeStopped else { return [] }
        // In turn, so that a flood in one lane keeps no other from the line.
        for step in 1...lanes.count {
            let index = (registered + step) % lanes.count
            let taken = lanes[index].takeRegistrable(terms, at: now, upTo: limit, bytes: Self.batchBytes)
            guard !taken.isEmpty else { continue }
            registered = index
            return taken.map { Taken(lane: index, delivery: $0) }
        }
        return []
    }

    /// Rings for those that will wait too long; to be called again and again.
    mutating func lookForRegistrable(_ terms: RegistrationTerms, at now: Instant) {
        for index in lanes.indices { lanes[index].look() }
        if lanes.contains(where: { $0.wantsRegistration(terms, at: now) }) { wakes.insert(.registrations) }
    }

    // MARK: The line

    /// Reserves slots for what waits in the lines, by the weights of the lanes where they don't all fit.
    /// - Returns: how many by lane.
    mutating func takeFromLine(upTo limit: Int) -> [Int: Int] {
        guard !isStopping, host.trouble == nil else { return [:] }
        let open = lanes.indices.filter { lanes[$0].hasLine && !lanes[$0].isPaused && lanes[$0].free > 0 }
        let weights = open.reduce(0) { $0 + lanes[$1].weight }
        var counts: [Int: Int] = [:]
        for index in open {
            let count = min(lanes[index].free, max(1, limit * lanes[index].weight / weights))
            lanes[index].reserve(count)
            counts[index] = count
        }
        return counts
    }

    /// These lanes have something in their lines, be it only for now.
    mutating func foundLine(_ names: Set<String>) {
        for index in lanes.indices where names.contains(lanes[index].name) {
            lanes[index].setLine(true)
            wakes.insert(.claims)
        }
    }

    /// Nothing more is to be had there now: what comes is claimed again as it comes.
    mutating func endedLine(lane: Int) {
        lanes[lane].setLine(false)
        wakes.insert(.claims)
    }

    /// - Returns: how many the broker should hand out of a lane at a time, where that has just changed.
    mutating func widen(lane: Int) -> Int? { lanes[lane].widen() }

    /// Lanes that have no line as far as is known, by name.
    var lanesToLookAt: [String] {
        guard !takesNothing else { return [] }
        return lanes.filter { !$0.hasLine && !$0.isPaused }.map(\.name)
    }

    /// They wait again, first in the line.
    mutating func putBack(_ entries: [Taken], at now: Instant) {
        for entry in entries.reversed() {
            lanes[entry.lane].putBack(LaneState.Waiting(delivery: entry.delivery, since: now))
        }
        wakes.insert(.claims)
    }

    /// Gives up everything that was delivered and not claimed.
    /// - Returns: by lane.
    mutating func takeUnclaimed() -> [[Delivery]] {
        defer { suspects.removeAll() }
        return lanes.indices.map { index in
            lanes[index].takeAll() + suspects.filter { $0.lane == index }.map(\.delivery)
        }
    }

    // MARK: Slots

    /// Reserves one slot for each entry, all or none.
    mutating func reserve(_ entries: [Int]) -> Reservation {
        guard !isStopping else { return .stopping }
        let needs = Dictionary(entries.map { ($0, 1) }, uniquingKeysWith: +)
        guard needs.allSatisfy({ lanes[$0.key].free >= $0.value }) else { return .full }
        for (lane, count) in needs { lanes[lane].reserve(count) }
        return .reserved
    }

    /// Takes a slot, whether one is free or not: for what the database had granted before.
    mutating func take(_ entries: [Int]) { for lane in entries { lanes[lane].reserve() } }

    /// One slot for each entry is free again. What came meanwhile, and found none, is claimed now.
    mutating func release(_ entries: [Int]) {
        for lane in entries { lanes[lane].release() }
        if !entries.isEmpty { wakes.insert(.claims) }
    }

    /// - Returns: how many the lane had.
    mutating func setSlots(_ count: Int, lane: Int) -> Int {
        let before = lanes[lane].setSlots(count)
        if count > before { wakes.insert(.claims) }
        return before
    }

    // MARK: Jobs

    /// - Returns: whether somebody has cancelled it already; nil when the worker stops and starts nothing more.
    mutating func start(
        _ key: LeaseKey, lane: Int, _ job: () -> RunningJob
    ) -> (job: RunningJob, isCancelled: Bool)? {
        guard !isStopping else { return nil }
        let job = job()
        lanes[lane].startWorking()
        return (job, jobs.start(key, job))
    }

    /// An attempt has ended: its lease is renewed until the end is written. For one that ran see ``PoolBoard/end(_:)``.
    mutating func end(_ finish: FinishTry) {
        if jobs.end(finish.key) { lanes[finish.lane].stopWorking() }
        if finish.item.report.didStart { host.worked() }
        // Whoever writes ends goes on until none is left: only the first one has to ring.
        if finishes.isEmpty { wakes.insert(.finishes) }
        finishes.append(finish)
    }

    mutating func takeFinishes(upTo limit: Int) -> [FinishTry] {
        var size = 0
        let taken = Array(
            finishes.prefix(limit).prefix { finish in
                defer { size += finish.bytes }
                return size < Self.batchBytes
            })
        finishes.removeFirst(taken.count)
        return taken
    }

    /// Their ends are written, or can never be: their slots are free.
    mutating func settle(_ ends: [FinishTry]) {
        for end in ends {
            jobs.remove(end.key)
            lanes[end.lane].release()
        }
        wakes.insert(.claims)
        if ends.isEmpty || ends.contains(where: { lanes[$0.lane].mayHaveLine }) { wakes.insert(.line) }
    }

    mutating func cancel(_ requests: [CancelRequest]) -> [(request: CancelRequest, job: RunningJob)] {
        jobs.cancel(requests)
    }

    mutating func noteAge(_ age: Duration, at now: Instant) { claimedAge = (age, now) }

    // MARK: Intake

    mutating func begin() { isConsuming = true }

    /// Takes nothing more and starts nothing more.
    mutating func stop() { isStopping = true }

    mutating func setConsumerPaused(_ isPaused: Bool, lane: Int) { lanes[lane].setConsumerPaused(isPaused) }

    mutating func follow(lane: Int, weight: Int, isPaused: Bool, isLimited: Bool = false) -> Bool {
        wakes.insert([.claims, .registrations])
        return lanes[lane].follow(weight: weight, isPaused: isPaused, isLimited: isLimited)
    }

    /// Whether a lane that is paused may consume again; then it counts as consuming.
    mutating func resumes(lane: Int) -> Bool {
        guard lanes[lane].isConsumerPaused, !takesNothing else { return false }
        lanes[lane].setConsumerPaused(false)
        return true
    }

    mutating func wantsRenewal(lane: Int, apart: Int) -> Bool {
        lanes[lane].wantsRenewal(apart: apart) && !isStopping && !isIntakeStopped
    }

    mutating func renewed(lane: Int, for apart: Int) { lanes[lane].renewed(for: apart) }

    // MARK: Servers and the machine

    mutating func setIntakeStopped(_ isStopped: Bool) { isIntakeStopped = isStopped }

    mutating func databaseAnswered() { databaseTrouble = nil }
    mutating func databaseFailed(_ why: String) { databaseTrouble = why }

    /// - Returns: whether that is news.
    mutating func hostFailed(_ why: String, at now: Instant) -> Bool { host.failed(why, at: now) }

    mutating func hostProbed(_ missing: String?, at now: Instant) {
        host.probed(missing, at: now)
        if host.trouble == nil { wakes.insert(.claims) }
    }
}
