package import FoundationEssentials
package import Postgres

/// Everything the database knows about one job.
package struct WorkOrderStory: Sendable {
    package let order: WorkOrderDetail
    package let attempts: [StoryEvent]
    package let holds: [StoryEvent]
    package let costs: [StoryEvent]
    package let workflowRuns: [StoryEvent]
    package let holdUps: [StoryEvent]
    package let actions: [StoryEvent]
    package let deadLetters: [StoryEvent]
    package let escalationEvents: [StoryEvent]
    package let dependencies: [Dependency]
    package let dependents: [Dependency]

    /// Another work order this one waits for, or that waits for this one.
    package struct Dependency: Sendable {
        package let id: UUID
        /// Nil when it was never published, or is gone.
        package let state: String?
        package let title: String?

        package var json: JSONValue { ["id": .id(id), "state": .text(state), "title": .text(title)] }
    }

    /// - Returns: nil when there is no work order of this id.
    package static func load(_ id: UUID, from database: PostgresClient) async throws -> WorkOrderStory? {
        guard let order = try await WorkOrderDetail.find(id, in: database) else { return nil }
        return WorkOrderStory(
            order: order,
            attempts: try await StoryQueries.attempts(id, database),
            holds: try await StoryQueries.holds(id, database),
            costs: try await StoryQueries.costs(id, database),
            workflowRuns: try await StoryQueries.workflowRuns(id, database),
            holdUps: try await StoryQueries.holdUps(id, database),
            actions: try await StoryQueries.actions(id, database),
            deadLetters: try await StoryQueries.deadLetters(id, database),
            escalationEvents: try await StoryQueries.escalationEvents(id, database),
            dependencies: try await dependencies(
                """
                SELECT d.depends_on, w.state, w.title FROM moose.work_order_dependencies d
                LEFT JOIN moose.work_orders w ON w.id = d.depends_on WHERE d.work_order_id = \(id) ORDER BY 1
                """, database),
            dependents: try await dependencies(
                """
                SELECT d.work_order_id, w.state, w.title FROM moose.work_order_dependencies d
                LEFT JOIN moose.work_orders w ON w.id = d.work_order_id WHERE d.depends_on = \(id) ORDER BY 1 LIMIT 1000
                """, database))
    }

    private static func dependencies(_ query: Query, _ database: PostgresClient) async throws -> [Dependency] {
        try await database.run(query).rows.decode().map(Dependency.init)
    }

    /// All of it in the order it happened.
    package var timeLine: [StoryEvent] {
        var events =
            attempts + holds + costs + workflowRuns + holdUps + actions + deadLetters + escalationEvents
        events.append(StoryEvent(order.createdAt, "created", [.text(order.title)], json: .null))
        if let finished = order.finishedAt {
            events.append(StoryEvent(finished, "ended", [.text(order.state)], state: order.state, json: .null))
        }
        if order.state == "in_progress", let started = order.startedAt {
            let worker = order.leaseWorker.map { StoryEvent.Detail.text("by worker \($0.uuidString.lowercased())") }
            let lease = order.leaseExpiresAt.map { StoryEvent.Detail.instant("lease until", $0) }
            events.append(StoryEvent(started, "running", [worker, lease], state: order.state, json: .null))
        }
        // Stable: what happened in one commit keeps its natural order, the creation first, the end last.
        let ranked = events.enumerated().map { index, event in
            (rank: event.what == "created" ? -1 : event.what == "ended" ? Int.max : index, event: event)
        }
        return ranked.sorted { ($0.event.at, $0.rank) < ($1.event.at, $1.rank) }.map(\.event)
    }

    package var json: JSONValue {
        var fields = order.json
        fields["attempts"] = .array(attempts.map(\.json))
        fields["holds"] = .array(holds.map(\.json))
        fields["costs"] = .array(costs.map(\.json))
        fields["workflow_runs"] = .array(workflowRuns.map(\.json))
        fields["held_back"] = .array(holdUps.map(\.json))
        fields["actions"] = .array(actions.map(\.json))
        fields["dead_letters"] = .array(deadLetters.map(\.json))
        fields["escalation_events"] = .array(escalationEvents.map(\.json))
        fields["dependencies"] = .array(dependencies.map(\.json))
        fields["dependents"] = .array(dependents.map(\.json))
        return .object(fields)
    }
}
