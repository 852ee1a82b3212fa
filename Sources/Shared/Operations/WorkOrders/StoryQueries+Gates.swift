internal import FoundationEssentials
internal import Postgres

extension StoryQueries {
    /// What holds it back now: a paused lane, a limit, a rate or a full key.
    static func holdUps(_ id: UUID, _ database: PostgresClient) async throws -> [StoryEvent] {
        try await database.run(
            """
            SELECT x.gate, x.reason, x.since, x.rung_at, l.paused_by, l.paused_why
            FROM moose.gate_waits x LEFT JOIN moose.lanes l ON x.gate = 'lane ' || l.name AND x.reason = 'paused'
            WHERE x.work_order_id = \(id)
            """
        ).rows.decode((String, String, Date, Date?, String?, String?).self).map { gate, reason, since, rung, who, why in
            StoryEvent(
                since, "held back",
                [
                    .text("\(gate): \(reason)"), who.map { .text("by \($0): \(why ?? "")") },
                    rung.map { .instant("woken at", $0) },
                ],
                json: [
                    "gate": .string(gate), "reason": .string(reason), "since": .time(since), "rung_at": .time(rung),
                ])
        }
    }
}
