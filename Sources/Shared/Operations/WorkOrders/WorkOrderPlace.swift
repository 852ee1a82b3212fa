package import FoundationEssentials
package import Postgres

/// Another place for orders that wait: another lane, another priority, another time.
package enum WorkOrderPlace: Sendable {
    case lane(String)
    /// From 0 to 9.
    case priority(Int)
    case runAt(Date)

    /// Gives it to these orders, in one commit; each that is changed is audited.
    package func give(
        to ids: [UUID], who: String, reason: String?, in database: PostgresClient
    ) async throws -> [WorkOrderChange] {
        var lane: String?
        var priority: Int32?
        var runAt: Date?
        switch self {
        case .lane(let name): lane = name
        case .priority(let number): priority = Int32(clamping: number)
        case .runAt(let time): runAt = time
        }
        return try await database.run(
            """
            SELECT id, before, after, changed FROM moose.place_work_orders(
                \(ids), \(lane), \(priority), \(runAt)::timestamptz, \(who), \(reason))
            """
        ).rows.decode((UUID, String, String, Bool).self).map { id, before, after, changed in
            WorkOrderChange(id: id, before: before, after: after, isChanged: changed)
        }
    }

    /// Gives it to those of the filter that wait, some hundred a commit and the oldest ids first; those that come meanwhile
    /// are left alone.
    ///
    /// - Parameter limit: no more than so many; nil: all.
    /// - Returns: how many were changed.
    package func give(
        to filter: WorkOrderFilter, limit: Int?, who: String, reason: String?, in database: PostgresClient
    ) async throws -> Int {
        let begun = try await database.value("SELECT now()", as: Date.self)
        var place = UUID.first
        var changed = 0
        while true {
            try Task.checkCancellation()
            let wanted = min(WorkOrderChange.piece, (limit ?? .max) - changed)
            guard wanted > 0 else { return changed }
            let page = try await filter.waiting(after: place, before: begun, limit: wanted, in: database)
            guard let last = page.last else { return changed }
            changed += try await give(to: page, who: who, reason: reason, in: database).count(where: \.isChanged)
            place = last
        }
    }
}

extension UUID {
    /// Before all others.
    static let first = UUID(uuid: (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0))
}

extension WorkOrderFilter {
    /// A page of those that wait, by id.
    func waiting(
        after: UUID, before: Date, limit: Int, in database: PostgresClient
    ) async throws -> [UUID] {
        try await database.run(
            """
            SELECT * FROM moose.waiting_orders(
                \(state), \(kind), \(lane), \(project), \(agent), \(after), \(before), \(Int32(clamping: limit)))
            """
        ).rows.decode(UUID.self)
    }

    /// How many wait now.
    package func countWaiting(in database: PostgresClient) async throws -> Int {
        try await database.count(
            """
            SELECT count(*) FROM moose.waiting_orders(
                \(state), \(kind), \(lane), \(project), \(agent), '00000000-0000-0000-0000-000000000000', now(),
                \(Int32.max))
            """)
    }
}
