internal import CoreMetrics
internal import Logging
internal import Postgres
internal import Reporting
internal import Store
internal import Telemetry

/// Stops the intake while the database is away and starts it again by itself. Claims and ends that are under way wait on
/// their own; nothing runs unbudgeted.
struct DatabaseWatcher: Sendable {
    let configuration: WorkerConfiguration
    let store: Store
    let board: PoolBoard
    let intake: Intake
    let metrics: WorkerMetrics
    let reporter: Reporter
    let logger: Logger

    /// What the database last said, while it can't be reached; nil while it answers. Known without asking it.
    var trouble: String? {
        if let trouble = board.look(\.databaseTrouble) { return trouble }
        let status = store.postgres.status()
        return status.isHealthy ? nil : status.lastFailure.map { "\($0)" } ?? "the database is not connected"
    }

    func run() async {
        var watch = DatabaseWatch(patience: configuration.patience, giveBackAfter: configuration.giveBackAfter)
        let repeating = Repeating(
            "outage", every: .milliseconds(250), startsAtOnce: true, problem: "nobody looked at the database",
            reporter: reporter)
        await repeating.run {
            let trouble = trouble
            switch watch.look(isAway: trouble != nil, at: .now) {
            case .nothing: break
            case .stopIntake:
                logger.error(
                    "the database is away; nothing new is taken from the broker until it answers",
                    metadata: ["error": "\(trouble ?? "")"])
                metrics.databaseAway.set(Int64(1))
                board.change { $0.setIntakeStopped(true) }
                await intake.pauseAll()
            case .giveBack: await intake.giveBackUnclaimed(because: "the database is still away")
            case .resume:
                logger.info("the database answers; consuming again")
                metrics.databaseAway.set(Int64(0))
                board.change { $0.setIntakeStopped(false) }
                await intake.resume()
            }
        }
    }
}
