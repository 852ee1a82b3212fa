package import AMQP
package import Logging
internal import Messaging
internal import Postgres
package import Reporting
package import Store

/// Looks for lanes that have work and no worker, as after one was renamed, and has a person told. Any number may run:
/// what they find is kept in one table.
package struct LaneWatch: Sendable {
    private let store: Store
    private let publisher: AMQPPublisher
    private let configured: [String]
    private let logger: Logger
    private let reporter: Reporter
    private let interval: Duration
    private let patience: Duration

    /// - Parameters:
    ///   - configured: the lanes of `moose.yaml`.
    ///   - interval: between two looks. Default 15 s.
    ///   - patience: how long a lane may have work and no worker, so that a restart is no news. Default 60 s.
    package init(
        store: Store, publisher: AMQPPublisher, configured: [String], logger: Logger, reporter: Reporter,
        interval: Duration = .seconds(15), patience: Duration = .seconds(60)
    ) {
        self.store = store
        self.publisher = publisher
        self.configured = configured
        self.logger = logger
        self.reporter = reporter
        self.interval = interval
        self.patience = patience
    }

    /// Looks until the task is cancelled.
    package func run() async {
        let repeating = Repeating(
            "lanes", every: interval, startsAtOnce: true, problem: "nobody looked for lanes without a worker",
            reporter: reporter)
        await repeating.run {
            do {
                let told = try await look()
                if told > 0 { logger.error("lanes have work and no worker", metadata: ["new": "\(told)"]) }
            } catch let error as AMQPError where error.isAway {
                // The connection tells of it; what was found before stands.
            }
        }
    }

    /// - Returns: how many lanes were told of.
    @discardableResult
    package func look() async throws -> Int {
        var lanes: [(name: String, queued: Int?)] = []
        for name in try await store.lanesToLookAt(configured: configured) {
            lanes.append((name, try await publisher.queueStatistics(MooseTopology.workQueue(lane: name))?.messages))
        }
        return try await store.noteUntended(lanes, configured: configured, patience: patience)
    }
}
