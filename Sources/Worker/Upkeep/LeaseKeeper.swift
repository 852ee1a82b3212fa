internal import FoundationEssentials
internal import Logging
internal import Reporting
internal import Store
internal import WorkOrders

/// Renews the leases of everything that runs, stops what was lost, and says to the registry that this worker lives.
struct LeaseKeeper: Sendable {
    /// How many leases one statement renews.
    private static let piece = 1000

    let configuration: WorkerConfiguration
    let store: Store
    let board: PoolBoard
    let registrar: Registrar
    let control: ControlFollower
    let reporter: Reporter
    let logger: Logger

    func run() async {
        // After an outage every lease may have run out already: soon again.
        let repeating = Repeating(
            "heartbeat", every: configuration.heartbeat, afterFailure: min(.seconds(1), configuration.heartbeat),
            problem: "leases were not renewed", reporter: reporter)
        await repeating.run {
            control.look()
            let leases = board.look(\.jobs.leases)
            for start in stride(from: 0, to: leases.count, by: Self.piece) {
                let some = Array(leases[start..<min(start + Self.piece, leases.count)])
                stop(try await store.renew(some, worker: configuration.id, lease: configuration.lease))
            }
            // After the leases, which matter more.
            try await registrar.announce()
        }
    }

    /// Whoever took the lease has told of it, and the order goes on or has failed there: here the log is enough.
    private func stop(_ lost: [LeaseKey]) {
        for (key, job) in board.look({ $0.jobs.stillRunning(lost) }) {
            logger.warning("lease lost; the job is stopped", metadata: ["work_order": "\(key.id.text)"])
            job.cancel()
        }
    }
}
