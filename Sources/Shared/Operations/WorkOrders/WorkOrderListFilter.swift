package import FoundationEssentials
package import Postgres
package import WorkOrders

/// Which work orders a list shows; nil lets everything pass.
package struct WorkOrderListFilter: Sendable {
    package var state: WorkOrderState?
    package var kind: String?
    package var lane: String?
    package var project: String?
    package var agent: String?
    /// Only what is listed after this order, the last of the page before.
    package var after: UUID?

    package init(
        state: WorkOrderState? = nil, kind: String? = nil, lane: String? = nil, project: String? = nil,
        agent: String? = nil, after: UUID? = nil
    ) {
        self.state = state
        self.kind = kind
        self.lane = lane
        self.project = project
        self.agent = agent
        self.after = after
    }

    /// Without a condition it means all work orders.
    package var isEverything: Bool { state == nil && kind == nil && lane == nil && project == nil && agent == nil }

    /// Above so many rows the newest are those with the highest ids, which the primary key has in order; sorting all by
    /// their time would take long, and an index of it would cost every order.
    static let sortedByTime = 200_000

    /// The newest first.
    package func newest(_ limit: Int, in database: PostgresClient) async throws -> [WorkOrderSummary] {
        let isSortedByID = try await SystemStatus.estimatedOrders(in: database) > Self.sortedByTime
        let order = isSortedByID ? "id DESC" : "created_at DESC, id DESC"
        // Ordered already inside, so that a page of very many is a walk along an index, which ends with the page.
        let live = state?.liveSet.map { "(\($0)\(isSortedByID ? " ORDER BY id DESC" : "")) live JOIN" } ?? ""
        let result = try await database.run(
            """
            SELECT id, state, kind, lane, title, project, attempt, run_at, created_at, finished_at, error
            FROM \(unescaped: live) moose.work_orders \(unescaped: live.isEmpty ? "" : "USING (id)")
            WHERE (\(state?.rawValue)::text IS NULL OR state = \(state?.rawValue))
              AND (\(kind)::text IS NULL OR kind = \(kind)) AND (\(lane)::text IS NULL OR lane = \(lane))
              AND (\(project)::text IS NULL OR project = \(project)) AND (\(agent)::text IS NULL OR agent = \(agent))
              AND (\(after)::uuid IS NULL OR CASE
                  WHEN \(isSortedByID) THEN id < \(after)
                  ELSE (created_at, id) < (
                      SELECT x.created_at, x.id FROM moose.work_orders x WHERE x.id = \(after)) END)
            ORDER BY \(unescaped: order) LIMIT \(limit)
            """)
        return try result.rows.map(WorkOrderSummary.init)
    }
}

extension WorkOrderState {
    /// Asks for the ids of the orders in this state without looking at finished ones; nil: there are no others.
    fileprivate var liveSet: String? {
        switch self {
        case .scheduled, .pending, .retrying, .awaitingBudget, .blocked:
            "SELECT id FROM moose.waiting WHERE state = '\(rawValue)'"
        case .inProgress: "SELECT id FROM moose.leases"
        case .failed, .needsReview, .cancelled: "SELECT id FROM moose.wrong WHERE state = '\(rawValue)'"
        case .completed: nil
        }
    }
}
