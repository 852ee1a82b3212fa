package import FoundationEssentials
package import Postgres

/// What an operator tells workers. Each change is audited and told to them at once.
package struct WorkerOrder: Sendable {
    package let who: String
    package let reason: String?

    package init(who: String, reason: String?) {
        self.who = who
        self.reason = reason
    }

    /// Has them take no new work, end what runs, and exit. Returns how many were told; the others were told before.
    package func drain(_ workers: [UUID], in database: PostgresClient) async throws -> Int {
        try await database.value("SELECT moose.drain_workers(\(workers), \(who), \(reason))", as: [UUID].self).count
    }

    /// Gives a lane another number of slots. Returns those that work the lane.
    package func resize(_ workers: [UUID], lane: String, slots: Int, in database: PostgresClient) async throws -> [UUID]
    {
        try await database.value(
            "SELECT moose.resize_workers(\(workers), \(lane), \(Int32(clamping: slots)), \(who), \(reason))")
    }
}
