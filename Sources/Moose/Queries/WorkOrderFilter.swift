internal import FoundationEssentials
internal import Postgres

/// Work orders that have not ended and whose fields are these; nil lets everything pass.
struct WorkOrderFilter: Sendable {
    var state: String?
    var kind: String?
    var lane: String?
    var project: String?
    var agent: String?

    var isEmpty: Bool { state == nil && kind == nil && lane == nil && project == nil && agent == nil }

    /// How many there are now; those that are being cancelled don't count.
    func count(in database: PostgresClient) async throws -> Int {
        try await database.run(
            "SELECT count(*) FROM moose.cancellable(\(state), \(kind), \(lane), \(project), \(agent))"
        ).first?.decode(0, as: Int.self) ?? 0
    }

    /// Cancels them, five hundred a commit; those that come meanwhile are left alone. Returns how many became what.
    func cancel(who: String, reason: String, in database: PostgresClient) async throws -> [String: Int] {
        var became: [String: Int] = [:]
        let begun = try await database.run("SELECT now()").first?.decode(0, as: Date.self)
        while true {
            // Whatever is cancelled is no longer among them.
            let page: [UUID] = try await database.run(
                """
                SELECT * FROM moose.cancellable(
                    \(state), \(kind), \(lane), \(project), \(agent), \(begun), \(Int64(WorkOrderChange.piece)))
                """
            ).rows.map { try $0.decode(0) }
            guard !page.isEmpty else { return became }
            for change in try await WorkOrderChange.cancel(page, who: who, reason: reason, in: database) {
                became[change.after, default: 0] += 1
            }
        }
    }
}
