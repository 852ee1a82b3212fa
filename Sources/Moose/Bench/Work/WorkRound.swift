internal import AMQP
internal import FoundationEssentials
internal import Postgres

/// One round of `moose bench work`: a full queue, one worker process, until every row is completed.
struct WorkRound: Sendable {
    /// What it came to.
    struct Figures: Sendable {
        /// Work orders a second, from the start of the worker to the last end in Postgres.
        let rate: Double
        /// This process's processor time in that span, in microseconds a job.
        let processorTime: Double
        /// Which part of the updates of `work_orders` touched no index, in percent.
        let hotShare: Double
    }

    let bench: BenchStack
    let orders: BenchOrders
    let worker: BenchWorker

    func measure() async throws -> Figures {
        try await bench.withPublisher { try await $0.publish(orders.messages, deadline: .seconds(300)) }
        return try await bench.withDatabase { database in
            let before = try await OrderUpdates.counted(database, after: BenchWorker.name)
            let handler = NoOpHandler()
            let (time, processorTime) = try await worker.run(handler) {
                let (started, used) = (ContinuousClock.now, ProcessorTime.used())
                try await waitForEnd(handler, database)
                return (ContinuousClock.now - started, ProcessorTime.used() - used)
            }
            let after = try await OrderUpdates.counted(database, after: BenchWorker.name)
            let jobs = Double(orders.ids.count)
            return Figures(
                rate: jobs / time.seconds, processorTime: processorTime / jobs, hotShare: after.hotShare(since: before))
        }
    }

    /// Looks at the database only once every handler has run, so that looking costs the worker nothing.
    private func waitForEnd(_ handler: NoOpHandler, _ database: PostgresClient) async throws {
        let last = orders.ids.count
        var progress = (count: -1, at: ContinuousClock.now)
        while true {
            var done = handler.count
            if done >= last {
                // The last id is not the last end: all of them are counted.
                let row = try await database.run(
                    "SELECT count(*) FROM moose.work_orders WHERE state = 'completed' AND id = ANY (\(orders.ids))"
                ).first
                let completed = Int(try row?.decode(0, as: Int64.self) ?? 0)
                if completed == last { return }
                done += completed
            }
            if done > progress.count { progress = (done, .now) }
            guard ContinuousClock.now - progress.at < .seconds(30) else {
                throw CommandFailure(
                    "the worker stands still", why: "\(handler.count) handlers ran for \(last) work orders")
            }
            try await Task.sleep(for: .milliseconds(2))
        }
    }
}
