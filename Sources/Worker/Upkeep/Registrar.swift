internal import FoundationEssentials
internal import Logging
internal import Reporting
internal import Store
internal import Telemetry

/// This worker's row in the registry, and those of workers that no longer say that they live.
struct Registrar: Sendable {
    let configuration: WorkerConfiguration
    let handlers: HandlerRegistry
    let store: Store
    let board: PoolBoard
    let reporter: Reporter
    let logger: Logger

    /// Says that this process lives, so that other workers know which kinds are alive.
    func announce() async throws {
        try await store.announce(registration, running: board.look(\.jobs.count))
    }

    private var registration: WorkerRegistration {
        let kinds = handlers.entries.sorted { $0.key < $1.key }
        let (slots, isDraining) = board.look { ($0.slots, $0.isStopping) }
        return WorkerRegistration(
            id: configuration.id, host: configuration.host, pid: Int32(ProcessInfo.processInfo.processIdentifier),
            version: "0.1.0", lanes: configuration.lanes.map(\.name), kinds: kinds.map(\.key),
            kindAttempts: kinds.map { $0.value.maxAttempts ?? configuration.defaultMaxAttempts },
            slots: slots, isDraining: isDraining, supervisor: configuration.supervisor,
            residentBytes: ProcessMetrics.residentBytes().map { Int64($0) })
    }

    /// Says that this process ends in good order.
    func signOff() async {
        do {
            try await store.retire(configuration.id)
        } catch {
            // The registry row then ages out by itself.
            reporter.report("stop", "the registry was not told of the stop", error: error)
        }
    }

    /// Marks workers lost that no longer say that they live, tells of each once, and forgets old ones.
    func run() async {
        let silence = max(configuration.lease, configuration.heartbeat * 3)
        // As with leases: a database that comes back after a minute finds everybody silent.
        var watch = LeaseWatch(patience: configuration.leasePass, latest: configuration.leasePass * 2)
        let repeating = Repeating(
            "registry", every: configuration.leasePass + .milliseconds(50),
            problem: "the registry was not looked at", reporter: reporter)
        await repeating.run {
            do {
                let asked = ContinuousClock.now
                let silent = try await store.silentWorkers(after: silence)
                let lost = watch.pass(
                    silent.map { ExpiredLease(key: LeaseKey(id: $0, token: 0), expiry: 0) }, asked: asked,
                    answered: .now
                ).map(\.id)
                let count = try await store.markWorkersLost(lost, after: silence)
                if count > 0 { logger.warning("workers were lost", metadata: ["workers": "\(count)"]) }
                try await store.pruneWorkers(keep: configuration.keepsStoppedWorkers)
            } catch {
                watch.passFailed()
                throw error
            }
        }
    }
}
