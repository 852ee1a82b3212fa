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
        ).rows.decode(
            (Int64, String, Int64?, String?, UUID?, Int?, String?, String?, String?, Int?, Int?, Date?, Date).self
        ).map {
            attempt, outcome, cost, handler, worker, milliseconds, failureClass, error, output, tokensIn, tokensOut,
            started, finished in
            StoryEvent(
                finished, "attempt \(attempt)",
                [
                    .text(outcome), failureClass.map { .text($0) }, milliseconds.map { .milliseconds($0) },
                    cost.map { .money($0) }, error.map { .text($0) },
                ],
                state: Self.state(after: outcome), output: output,
                json: [
                    "attempt": .integer(attempt), "outcome": .string(outcome), "cost_usd": .usd(cost),
                    "handler": .text(handler), "worker": .id(worker), "duration_ms": .count(milliseconds),
                    "failure_class": .text(failureClass), "error": .text(error), "output": .text(output),
                    "tokens_in": .count(tokensIn), "tokens_out": .count(tokensOut), "started_at": .time(started),
                    "finished_at": .time(finished),
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
        ).rows.decode((String, Int64, Int64?, Bool, Date, Date?).self).map {
            state, estimate, actual, isLate, created, closed in
            StoryEvent(
                created, "hold", [.money(estimate), .text(state)],
                json: [
                    "state": .string(state), "estimate_usd": .usd(estimate), "actual_usd": .usd(actual),
                    "late": .bool(isLate), "created_at": .time(created), "closed_at": .time(closed),
                ])
        }
    }

    static func costs(_ id: UUID, _ database: PostgresClient) async throws -> [StoryEvent] {
        try await database.run(
            """
            SELECT entry, amount_u, created_at FROM moose.cost_tracking
            WHERE owner = \(id) ORDER BY token, number, created_at LIMIT 1000
            """
        ).rows.decode((String, Int64, Date).self).map { entry, amount, created in
            StoryEvent(
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
        ).rows.decode((String, String, String, Int, String?, Date).self).map {
            workflow, conclusion, commit, attempt, url, received in
            StoryEvent(
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
        ).rows.decode((Date, String, String, String?).self).map { at, who, action, reason in
            StoryEvent(
                at, "action",
                [.text(action.replacing("work order ", with: "")), .text("by \(who)"), reason.map { .text($0) }],
                json: ["at": .time(at), "who": .string(who), "action": .string(action), "reason": .text(reason)])
        }
    }

    static func deadLetters(_ id: UUID, _ database: PostgresClient) async throws -> [StoryEvent] {
        try await database.run(
            """
            SELECT id, state, reason, explanation, created_at FROM moose.dead_letters
            WHERE work_order_id = \(id) ORDER BY created_at LIMIT 1000
            """
        ).rows.decode((UUID, String, String, String, Date).self).map { letter, state, reason, explanation, created in
            StoryEvent(
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
        ).rows.decode((UUID, String, Date).self).map { escalation, message, occurred in
            StoryEvent(
                occurred, "escalation", [.text(escalation.uuidString.lowercased()), .text(message)], state: "open",
                json: [
                    "escalation_id": .id(escalation), "message": .string(message), "occurred_at": .time(occurred),
                ])
        }
    }
}
