internal import AMQP
internal import DequeModule
internal import FoundationEssentials
internal import Store
internal import WorkOrders

/// What a worker has in hand: deliveries that wait, jobs that run, ends that wait to be written. Pure bookkeeping.
struct PoolState {
    struct Lane {
        let name: String
        var slots: Int
        var weight: Int
        var running = 0
        var waiting: Deque<Waiting> = []
        /// Its consumer is paused.
        var isPaused = false
        /// An operator paused it.
        var isHeld = false
        /// How many of its deliveries were apart when its consumer was last started anew for their sake.
        var renewedFor = 0
        /// What it is owed of the batches so far, in weights.
        var credit = 0

        var free: Int { max(0, slots - running) }
    }

    /// No batch takes more once it holds so many bytes.
    static let batchBytes = 16 << 20

    struct Waiting {
        let delivery: Delivery
        let since: ContinuousClock.Instant
    }

    var lanes: [Lane]
    /// Deliveries that came back so often that each is read apart.
    var suspects: [(lane: Int, delivery: Delivery)] = []
    var finishes: [(lane: Int, item: FinishItem)] = []
    var jobs: [LeaseKey: RunningJob] = [:]
    /// Of the jobs: those that have ended, and whose end waits to be written or is just being written.
    var ended: Set<LeaseKey> = []
    /// What this worker holds and somebody cancelled, as the database said last; also of jobs that are about to start.
    var cancelRequests: [LeaseKey: CancelRequest] = [:]
    var isConsuming = false
    var isStopping = false
    /// The database is away: no lane consumes, whatever slots are free.
    var isIntakeStopped = false
    /// Whether this machine can start work.
    var host = HostState()
    /// How old the oldest order of the latest claim was.
    var claimedAge: (age: Duration, at: ContinuousClock.Instant)?
    /// The last thing the database said, while it can't be reached.
    var databaseTrouble: String?

    init(lanes: [WorkerConfiguration.Lane]) {
        self.lanes = lanes.map { Lane(name: $0.name, slots: $0.slots, weight: $0.weight) }
    }

    /// Nothing is claimed, nothing runs and nothing waits to be written.
    var isIdle: Bool { jobs.isEmpty && finishes.isEmpty && !hasClaims }

    /// A claim is under way: slots are taken for which no job runs yet.
    var hasClaims: Bool { lanes.reduce(0) { $0 + $1.running } > jobs.count }

    /// Takes deliveries for free slots, from the lanes in turn by their weights: each turn gives every lane that could
    /// go its weight, and the one that is owed most goes and pays for the turn. So none starves, whatever the others
    /// hold. A second message of one id waits for the next batch.
    ///
    /// A batch is bounded in bytes as well: one statement holds all its bodies.
    mutating func takeClaimable(
        upTo limit: Int, bytes: Int = PoolState.batchBytes
    ) -> [(lane: Int, delivery: Delivery)] {
        guard !isStopping, host.trouble == nil else { return [] }
        var size = 0
        var taken: [(lane: Int, delivery: Delivery)] = []
        var ids: Set<String> = []
        var free = lanes.map(\.free)
        var again = [[Waiting]](repeating: [], count: lanes.count)
        while taken.count < limit, size < bytes, let index = nextLane(free) {
            guard let next = lanes[index].waiting.popFirst() else { break }
            if let id = next.delivery.properties.messageID, !ids.insert(id.lowercased()).inserted {
                again[index].append(next)
                continue
            }
            taken.append((index, next.delivery))
            size += next.delivery.body.count
            free[index] -= 1
        }
        for index in lanes.indices {
            for waiting in again[index].reversed() { lanes[index].waiting.prepend(waiting) }
        }
        return taken
    }

    private mutating func nextLane(_ free: [Int]) -> Int? {
        var next: Int?
        var turn = 0
        for index in lanes.indices {
            guard free[index] > 0, !lanes[index].waiting.isEmpty else {
                // Who has nothing to do saves nothing up.
                lanes[index].credit = 0
                continue
            }
            turn += lanes[index].weight
            lanes[index].credit += lanes[index].weight
            if next.map({ lanes[index].credit > lanes[$0].credit }) ?? true { next = index }
        }
        if let next { lanes[next].credit -= turn }
        return next
    }

    /// Takes one that is read apart, any of them; none while the worker stops or the database is away.
    mutating func takeSuspect() -> (lane: Int, delivery: Delivery)? {
        guard !isStopping, !isIntakeStopped, let index = suspects.indices.randomElement() else { return nil }
        suspects.swapAt(index, suspects.count - 1)
        return suspects.removeLast()
    }

    /// Takes what has waited too long for a slot: it is parked, so that no delivery is held for the length of a job.
    mutating func takeOverdue(
        before deadline: ContinuousClock.Instant, upTo limit: Int
    ) -> (lane: Int, deliveries: [Delivery])? {
        for index in lanes.indices where lanes[index].free == 0 {
            guard let oldest = lanes[index].waiting.first, oldest.since < deadline else { continue }
            var size = 0
            let count = lanes[index].waiting.prefix(limit).prefix { waiting in
                defer { size += waiting.delivery.body.count }
                return size < Self.batchBytes
            }.count
            let taken = lanes[index].waiting.prefix(count).map(\.delivery)
            lanes[index].waiting.removeFirst(count)
            return (index, taken)
        }
        return nil
    }

    mutating func takeFinishes(upTo limit: Int) -> [(lane: Int, item: FinishItem)] {
        var size = 0
        let taken = Array(
            finishes.prefix(limit).prefix { finish in
                defer { size += (finish.item.report.result?.count ?? 0) + (finish.item.report.output?.utf8.count ?? 0) }
                return size < Self.batchBytes
            })
        finishes.removeFirst(taken.count)
        return taken
    }
}
