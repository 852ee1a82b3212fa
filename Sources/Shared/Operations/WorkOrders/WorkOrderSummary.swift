package import FoundationEssentials
internal import Postgres

/// A work order in a list.
package struct WorkOrderSummary: Sendable {
    package let id: UUID
    package let state: String
    package let kind: String
    package let lane: String
    package let title: String
    package let project: String?
    package let attempt: Int
    package let runAt: Date
    package let createdAt: Date
    package let finishedAt: Date?
    package let error: String?

    init(_ row: PostgresRow) throws {
        (id, state, kind, lane, title, project, attempt, runAt, createdAt, finishedAt, error) = try row.decode()
    }

    package var json: JSONValue {
        [
            "id": .id(id), "state": .string(state), "kind": .string(kind), "lane": .string(lane),
            "title": .string(title), "project": .text(project), "attempt": .count(attempt), "run_at": .time(runAt),
            "created_at": .time(createdAt), "finished_at": .time(finishedAt), "error": .text(error),
        ]
    }
}
