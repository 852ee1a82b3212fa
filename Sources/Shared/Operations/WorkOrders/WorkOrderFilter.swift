internal import FoundationEssentials
package import Postgres

/// Work orders that have not ended and whose fields are these; nil lets everything pass.
package struct WorkOrderFilter: Sendable {
    package var state: String?
    package var kind: String?
    package var lane: String?
    package var project: String?
    package var agent: String?

    package init(
        state: String? = nil, kind: String? = nil, lane: String? = nil, project: String? = nil, agent: String? = nil
    ) {
        self.state = state
        self.kind = kind
        self.lane = lane
        self.project = project
        self.agent = agent
    }

    package var isEmpty: Bool { state == nil && kind == nil && lane == nil && project == nil && agent == nil }

    /// How many there are now; those that are being cancelled don't count.
    package func count(in database: PostgresClient) async throws -> Int {
        try await database.count(
            "SELECT count(*) FROM moose.cancellable(\(state), \(kind), \(lane), \(project), \(agent))")
    }

    /// Cancels them, five hundred a commit; those that come meanwhile are left alone. Returns how many became what.
    package func cancel(who: String, reason: String, in database: PostgresClient) async throws -> [String: Int] {
        var became: [String: Int] = [:]
        let begun = try await database.value("SELECT now()", as: Date.self)
        // First what waits, a page after the other, however many others wait between them.
        var place = UUID.first
        while true {
            let page = try await waiting(after: place, before: begun, limit: WorkOrderChange.piece, in: database)
            guard let last = page.last else { break }
            for change in try await WorkOrderChange.cancel(page, who: who, reason: reason, in: database) {
                became[change.after, default: 0] += 1
            }
            place = last
        }
        while true {
            // Whatever is cancelled is no longer among them.
            let page = try await database.run(
                """
                SELECT * FROM moose.cancellable(
                    \(state), \(kind), \(lane), \(project), \(agent), \(begun), \(Int64(WorkOrderChange.piece)))
                """
            ).rows.decode(UUID.self)
            guard !page.isEmpty else { return became }
            for change in try await WorkOrderChange.cancel(page, who: who, reason: reason, in: database) {
                became[change.after, default: 0] += 1
            }
        }
    }
}
