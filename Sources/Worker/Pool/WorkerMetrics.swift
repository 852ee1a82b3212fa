internal import CoreMetrics
internal import Telemetry

/// The worker's metric handles, made once.
struct WorkerMetrics: Sendable {
    private let running = Meter(.slots, dimensions: [("state", "running")])
    private let free = Meter(.slots, dimensions: [("state", "free")])
    let claimSeconds = Timer(.claimSeconds)
    let finishSeconds = Timer(.finishSeconds)
    let rescues = Counter(.leaseRescues)
    let databaseAway = Meter(.databaseAway)
    let hostTrouble = Meter(.hostTrouble)

    /// How many slots are taken and free.
    func show(_ board: PoolBoard) {
        let (taken, slots) = board.look { ($0.running, $0.slots) }
        running.set(Int64(taken))
        free.set(Int64(slots - taken))
    }

    func claimed(_ verdict: String, _ count: Int) {
        Counter(.claims, dimensions: [("verdict", verdict)]).increment(by: Int64(count))
    }

    func finished(_ outcome: String, _ count: Int) {
        Counter(.finishes, dimensions: [("outcome", outcome)]).increment(by: Int64(count))
    }

    func buried(_ reason: String, _ count: Int) {
        Counter(.deadLetters, dimensions: [("reason", reason)]).increment(by: Int64(count))
    }
}
