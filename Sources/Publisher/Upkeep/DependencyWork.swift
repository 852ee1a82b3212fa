internal import IOThread
internal import Logging
internal import Postgres
package import Reporting
package import Store
internal import WorkOrders

/// Does what dependencies leave to do after claims and ends: any number of processes, each a piece at a time. An error of
/// one task holds up no other, and everything stands in rows until it is done.
package struct DependencyWork: Sendable {
    /// How many orders a piece touches.
    private static let piece = 250

    private let store: Store
    private let reporter: Reporter
    private let poll: Duration
    private let alarm = Alarm()

    /// - Parameter poll: how often to look when nobody says that there is something. Default 1 s.
    package init(store: Store, reporter: Reporter, poll: Duration = .seconds(1)) {
        self.store = store
        self.reporter = reporter
        self.poll = poll
    }

    /// Runs until the task is cancelled.
    package func run() async {
        await withDiscardingTaskGroup { group in
            group.addTask {
                for await _ in self.store.postgres.notifications(on: Store.dependencyChannel) { self.alarm.ring() }
            }
            var limits: [DependencyTask: Int] = [:]
            var backoff = Backoff(base: .milliseconds(200))
            while !Task.isCancelled {
                do {
                    let didWork = try await doPieces(&limits)
                    backoff.succeeded()
                    if !didWork { await alarm.wait(atMost: poll) }
                } catch {
                    if Task.isCancelled { break }
                    if backoff.failures == 0 { reporter.report("dependencies", "dependencies wait", error: error) }
                    await alarm.wait(atMost: backoff.failed())
                }
            }
            group.cancelAll()
        }
    }

    /// A piece of each task that has something to do. One that fails holds up no other.
    ///
    /// - Parameter limits: the size of the pieces; halved for a task whose piece took too long.
    /// - Returns: whether there may be more at once.
    private func doPieces(_ limits: inout [DependencyTask: Int]) async throws(PostgresError) -> Bool {
        var didWork = false
        var failure: PostgresError?
        for task in try await store.dependencyTasks() {
            let limit = limits[task] ?? Self.piece
            do throws(PostgresError) {
                if try await store.settleDependencies(task, limit: limit) > 0 { didWork = true }
                limits[task] = min(Self.piece, limit + limit / 4 + 1)
            } catch {
                switch error.sqlState {
                // A deadlock: nothing was done, and the next round begins anew.
                case "40P01": break
                case "57014", "55P03":
                    limits[task] = max(1, limit / 2)
                    failure = error
                default: failure = error
                }
            }
        }
        if let failure { throw failure }
        return didWork
    }
}
