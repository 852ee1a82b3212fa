internal import Logging
internal import Publisher
internal import Reporting
internal import Store

/// Whatever a worker does again and again beside its jobs, each a small type of its own with a `run()`.
struct Upkeep: Sendable {
    let configuration: WorkerConfiguration
    let handlers: HandlerRegistry
    /// With connections that wait behind no claim and no end.
    let store: Store
    let board: PoolBoard
    let intake: Intake
    let claims: Claims
    let registrar: Registrar
    let follower: ControlFollower
    let metrics: WorkerMetrics
    let reporter: Reporter
    let logger: Logger

    /// Each runs until its task is cancelled.
    var services: [@Sendable () async -> Void] {
        ownWork + othersWork
    }

    /// For what this worker holds.
    private var ownWork: [@Sendable () async -> Void] {
        [
            registrar.run, follower.run,
            LeaseKeeper(
                configuration: configuration, store: store, board: board, registrar: registrar, control: follower,
                reporter: reporter, logger: logger
            ).run,
            LaneFollower(
                lanes: configuration.lanes, store: store, board: board, reporter: reporter, logger: logger
            ).run,
            Registering(
                configuration: configuration, board: board, intake: intake, claims: claims, store: store,
                reporter: reporter
            ).run,
            LineWatch(
                kinds: handlers.entries.keys.sorted(), store: store, board: board, reporter: reporter
            ).run,
            SuspectReader(
                lanes: configuration.lanes.map(\.name), store: store, board: board, intake: intake, claims: claims,
                reporter: reporter
            ).run,
        ]
    }

    /// For orders that nobody holds: any number of workers do it beside each other.
    private var othersWork: [@Sendable () async -> Void] {
        [
            LeaseRescuer(
                configuration: configuration, store: store, metrics: metrics, reporter: reporter, logger: logger
            ).run,
            Sweeper(configuration: configuration, store: store, reporter: reporter).run,
            MoneyWaker(store: store, reporter: reporter, logger: logger).run,
            GateWaker(store: store, reporter: reporter, logger: logger).run,
            DependencyWork(store: store, reporter: reporter).run,
            HoldExpiry(store: store, reporter: reporter).run,
            Scheduler(store: store, logger: logger, reporter: reporter).run,
        ]
    }
}
