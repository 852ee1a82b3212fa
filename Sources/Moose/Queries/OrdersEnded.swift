internal import FoundationEssentials
internal import Postgres

/// How many of some orders go on no more by themselves: ended, or blocked behind one that failed or was cancelled.
struct OrdersEnded: Sendable {
    let ended: Int
    /// Of these, how many did not complete.
    let unsuccessful: Int

    static func count(_ ids: [UUID], _ client: PostgresClient) async throws -> OrdersEnded {
        let row = try await client.run(
            """
            SELECT count(*), count(*) FILTER (WHERE w.state <> 'completed')
            FROM moose.work_orders w
            WHERE w.id = ANY (\(ids)) AND (w.state IN ('completed', 'failed', 'cancelled')
                OR w.state = 'blocked' AND EXISTS (
                    SELECT 1 FROM moose.work_order_dependencies d
                    JOIN moose.work_orders x ON x.id = d.depends_on
                    WHERE d.work_order_id = w.id AND x.state IN ('failed', 'cancelled')))
            """
        ).first
        return OrdersEnded(
            ended: Int(try row?.decode(0, as: Int64.self) ?? 0),
            unsuccessful: Int(try row?.decode(1, as: Int64.self) ?? 0))
    }
}
