internal import FoundationEssentials
internal import Postgres

/// What each table adds to the story of a work order.
enum StoryQueries {
    static func attempts(_ id: UUID, _ database: PostgresClient) async throws -> [StoryEvent] {
        try await database.run(
            """
            SELECT attempt, outcome, cost_u, handler, worker, duration_ms, failure_class, error, output, tokens_in,
                   tokens_out, started_at, finished_at
            FROM moose.outcome_vectors WHERE work_order_id = \(id) ORDER BY fencing_token LIMIT 1000
            """
        ).rows.map { row in
            let attempt: Int = try row.decode(0)
            let outcome: String = try row.decode(1)
            let cost: Int64? = try row.decode(2)
            let handler: String? = try row.decode(3)
            let worker: UUID? = try row.decode(4)
            let milliseconds: Int? = try row.decode(5)
            let failureClass: String? = try row.decode(6)
            let error: String? = try row.decode(7)
            let output: String? = try row.decode(8)
            let finished: Date = try row.decode(12)
            return StoryEvent(
                finished, "attempt \(attempt)",
                [
                    .text(outcome), failureClass.map { .text($0) }, milliseconds.map { .milliseconds($0) },
                    cost.map { .money($0) }, error.map { .text($0) },
                ],
                state: Self.state(after: outcome),
                json: [
                    "attempt": .count(attempt), "outcome": .string(outcome), "cost_usd": .usd(cost),
                    "handler": .text(handler), "worker": .id(worker), "duration_ms": .count(milliseconds),
                    "failure_class": .text(failureClass), "error": .text(error), "output": .text(output),
                    "tokens_in": .count(try row.decode(9)), "tokens_out": .count(try row.decode(10)),
                    "started_at": .time(try row.decode(11)), "finished_at": .time(finished),
                ])
        }
    }

    /// The state an attempt left its order in, as lists have it.
    private static func state(after outcome: String) -> String {
        switch outcome {
        case "completed", "failed", "cancelled": outcome
        case "snoozed": "scheduled"
        case "review": "needs_review"
        case "interrupted": "pending"
        default: "retrying"
        }
    }

    static func holds(_ id: UUID, _ database: PostgresClient) async throws -> [StoryEvent] {
        try await database.run(
            """
            SELECT state, estimate_u, actual_u, late, created_at, closed_at FROM moose.budget_holds
            WHERE owner = \(id) ORDER BY token, number LIMIT 1000
            """
        ).rows.map { row in
            let state: String = try row.decode(0)
            let estimate: Int64 = try row.decode(1)
            let created: Date = try row.decode(4)
            return StoryEvent(
                created, "hold", [.money(estimate), .text(state)],
                json: [
                    "state": .string(state), "estimate_usd": .usd(estimate), "actual_usd": .usd(try row.decode(2)),
                    "late": .bool(try row.decode(3)), "created_at": .time(created),
                    "closed_at": .time(try row.decode(5)),
                ])
        }
    }

    static func costs(_ id: UUID, _ database: PostgresClient) async throws -> [StoryEvent] {
        try await database.run(
            """
            SELECT entry, amount_u, created_at FROM moose.cost_tracking
            WHERE owner = \(id) ORDER BY token, number, created_at LIMIT 1000
            """
        ).rows.map { row in
            let entry: String = try row.decode(0)
            let amount: Int64 = try row.decode(1)
            let created: Date = try row.decode(2)
            return StoryEvent(
                created, "cost", [.money(amount), .text(entry)],
                json: ["entry": .string(entry), "amount_usd": .usd(amount), "created_at": .time(created)])
        }
    }

    static func workflowRuns(_ id: UUID, _ database: PostgresClient) async throws -> [StoryEvent] {
        try await database.run(
            """
            SELECT r.workflow, r.conclusion, r.head_sha, r.run_attempt, r.url, r.received_at
            FROM moose.work_orders w JOIN moose.workflow_runs r ON r.pull_request = w.github_pr_number
            WHERE w.id = \(id) AND moose.is_run_of(r, w) ORDER BY r.received_at LIMIT 1000
            """
        ).rows.map { row in
            let workflow: String = try row.decode(0)
            let conclusion: String = try row.decode(1)
            let commit: String = try row.decode(2)
            let attempt: Int = try row.decode(3)
            let url: String? = try row.decode(4)
            let received: Date = try row.decode(5)
            return StoryEvent(
                received, "CI",
                [.text("\(workflow): \(conclusion)"), .text("commit \(commit.prefix(10))"), url.map { .text($0) }],
                state: conclusion == "success" ? "completed" : conclusion == "failure" ? "failed" : nil,
                json: [
                    "workflow": .string(workflow), "conclusion": .string(conclusion), "head_sha": .string(commit),
                    "run_attempt": .count(attempt), "url": .text(url), "received_at": .time(received),
                ])
        }
    }

    /// What people did to it, as the audit log has it.
    static func actions(_ id: UUID, _ database: PostgresClient) async throws -> [StoryEvent] {
        try await database.run(
            """
            SELECT at, who, action, reason FROM moose.audit_log
            WHERE subject = 'work order ' || \(id.uuidString.lowercased()) ORDER BY at, id LIMIT 1000
            """
        ).rows.map { row in
            let at: Date = try row.decode(0)
            let who: String = try row.decode(1)
            let action: String = try row.decode(2)
            let reason: String? = try row.decode(3)
            return StoryEvent(
                at, "action",
                [.text(action.replacing("work order ", with: "")), .text("by \(who)"), reason.map { .text($0) }],
                json: ["at": .time(at), "who": .string(who), "action": .string(action), "reason": .text(reason)])
        }
    }

    static func doorbells(_ id: UUID, _ database: PostgresClient) async throws -> [StoryEvent] {
        try await database.run(
            "SELECT due_at, created_at, routing_key FROM moose.outbox WHERE doorbell_for = \(id)"
        ).rows.map { row in
            let due: Date = try row.decode(0)
            let lane: String = try row.decode(2)
            return StoryEvent(
                due, "doorbell", [.text("waits in the outbox for lane \(lane)")],
                json: ["due_at": .time(due), "created_at": .time(try row.decode(1)), "lane": .string(lane)])
        }
    }

    static func deadLetters(_ id: UUID, _ database: PostgresClient) async throws -> [StoryEvent] {
        try await database.run(
            """
            SELECT id, state, reason, explanation, created_at FROM moose.dead_letters
            WHERE work_order_id = \(id) ORDER BY created_at LIMIT 1000
            """
        ).rows.map { row in
            let letter: UUID = try row.decode(0)
            let state: String = try row.decode(1)
            let reason: String = try row.decode(2)
            let explanation: String = try row.decode(3)
            let created: Date = try row.decode(4)
            return StoryEvent(
                created, "dead letter",
                [.text(letter.uuidString.lowercased()), .text(reason), .text(explanation)], state: state,
                json: [
                    "id": .id(letter), "state": .string(state), "reason": .string(reason),
                    "explanation": .string(explanation), "created_at": .time(created),
                ])
        }
    }

    static func escalationEvents(_ id: UUID, _ database: PostgresClient) async throws -> [StoryEvent] {
        try await database.run(
            """
            SELECT escalation_id, message, occurred_at FROM moose.escalation_events
            WHERE work_order_id = \(id) ORDER BY occurred_at LIMIT 1000
            """
        ).rows.map { row in
            let escalation: UUID = try row.decode(0)
            let message: String = try row.decode(1)
            let occurred: Date = try row.decode(2)
            return StoryEvent(
                occurred, "escalation", [.text(escalation.uuidString.lowercased()), .text(message)], state: "open",
                json: [
                    "escalation_id": .id(escalation), "message": .string(message), "occurred_at": .time(occurred),
                ])
        }
    }
}
