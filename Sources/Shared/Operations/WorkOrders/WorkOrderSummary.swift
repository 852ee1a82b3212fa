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
        id = try row.decode(0)
        state = try row.decode(1)
        kind = try row.decode(2)
        lane = try row.decode(3)
        title = try row.decode(4)
        project = try row.decode(5)
        attempt = try row.decode(6)
        runAt = try row.decode(7)
        createdAt = try row.decode(8)
        finishedAt = try row.decode(9)
        error = try row.decode(10)
    }

    package var json: JSONValue {
        [
            "id": .id(id), "state": .string(state), "kind": .string(kind), "lane": .string(lane),
            "title": .string(title), "project": .text(project), "attempt": .count(attempt), "run_at": .time(runAt),
            "created_at": .time(createdAt), "finished_at": .time(finishedAt), "error": .text(error),
        ]
    }
}
