internal import AMQP
internal import DequeModule
internal import FoundationEssentials
internal import Store

/// What a worker has in hand: deliveries that wait, jobs that run, ends that wait to be written. Pure bookkeeping.
struct PoolState {
    struct Lane {
        let name: String
        let slots: Int
        var running = 0
        var waiting: Deque<Waiting> = []
        var isPaused = false

        var free: Int { max(0, slots - running) }
    }

    struct Waiting {
        let delivery: Delivery
        let since: ContinuousClock.Instant
    }

    var lanes: [Lane]
    var finishes: [(lane: Int, item: FinishItem)] = []
    var jobs: [LeaseKey: Task<Void, Never>] = [:]
    var isStopping = false
    /// The last thing the database said, while it can't be reached.
    var databaseTrouble: String?

    init(lanes: [WorkerConfiguration.Lane]) {
        self.lanes = lanes.map { Lane(name: $0.name, slots: $0.slots) }
    }

    /// Nothing runs and nothing waits to be written.
    var isIdle: Bool { jobs.isEmpty && finishes.isEmpty }

    /// Takes deliveries for free slots; a second message of one id waits for the next batch.
    mutating func takeClaimable(upTo limit: Int) -> [(lane: Int, delivery: Delivery)] {
        guard !isStopping else { return [] }
        var taken: [(lane: Int, delivery: Delivery)] = []
        var ids: Set<String> = []
        for index in lanes.indices {
            var again: [Waiting] = []
            var free = min(lanes[index].free, limit - taken.count)
            while free > 0, let next = lanes[index].waiting.popFirst() {
                if let id = next.delivery.properties.messageID, !ids.insert(id.lowercased()).inserted {
                    again.append(next)
                    continue
                }
                taken.append((index, next.delivery))
                free -= 1
            }
            for waiting in again.reversed() { lanes[index].waiting.prepend(waiting) }
        }
        return taken
    }

    /// Takes what has waited too long for a slot: it is parked, so that no delivery is held for the length of a job.
    mutating func takeOverdue(
        before deadline: ContinuousClock.Instant, upTo limit: Int
    ) -> (lane: Int, deliveries: [Delivery])? {
        for index in lanes.indices where lanes[index].free == 0 {
            guard let oldest = lanes[index].waiting.first, oldest.since < deadline else { continue }
            let count = min(limit, lanes[index].waiting.count)
            let taken = lanes[index].waiting.prefix(count).map(\.delivery)
            lanes[index].waiting.removeFirst(count)
            return (index, taken)
        }
        return nil
    }

    mutating func takeFinishes(upTo limit: Int) -> [(lane: Int, item: FinishItem)] {
        let taken = Array(finishes.prefix(limit))
        finishes.removeFirst(taken.count)
        return taken
    }
}
