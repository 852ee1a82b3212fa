import Postgres

extension Batch {
    /// How long a hold lives that nobody closes: for ever in the eyes of a test, or not at all.
    private static func life(_ reservation: Reservation) -> Int64 { reservation.isOverdue ? -1 : 86_400_000 }

    private var parameters: [Parameter] {
        [
            Parameter(moves.map(\.name.owner)), Parameter(moves.map(\.name.token)), Parameter(moves.map(\.name.number)),
            Parameter(moves.map(\.kind.rawValue)), Parameter(moves.map(\.actual)),
            Parameter(reservations.map(\.name.owner)), Parameter(reservations.map(\.name.token)),
            Parameter(reservations.map(\.name.number)), Parameter(reservations.map(\.estimate)),
            Parameter(reservations.map(\.path.project)), Parameter(reservations.map(\.path.agent)),
            Parameter(reservations.map(\.path.handler)), Parameter(reservations.map(\.path.model)),
            Parameter(reservations.map(\.isDispatched)), Parameter(reservations.map(Self.life)),
        ]
    }

    /// One row an item: see ``Answer/init(_:isMove:)``.
    var query: Query {
        Query(
            """
            SELECT answer, reason, replay, state, estimate_u, total_before
            FROM moose.ledger_batch($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
            """, parameters: parameters)
    }

    /// The same, written into the journal; one JSON text of the answers.
    func journaled(as request: Int64) -> Query {
        Query(
            "SELECT journal.batch($16, $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)",
            parameters: parameters + [Parameter(request)])
    }

    func answers(from result: PostgresResult) throws -> [Answer] {
        try result.rows.enumerated().map { index, row in
            Answer(
                answer: try row.decode(0), reason: try row.decode(1),
                isReplay: index < moves.count ? false : try row.decode(2), state: try row.decode(3),
                estimate: try row.decode(4), totalBefore: try row.decode(5))
        }
    }

    /// The reservations alone, through `moose.reserve_batch` as a claim uses it.
    var directQuery: Query {
        Query(
            """
            SELECT unnest(r.status), unnest(r.reason), unnest(r.switched), r.total_before
            FROM moose.reserve_batch(
                $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12,
                ARRAY(SELECT now() + l.ms * interval '1 millisecond'
                      FROM unnest($13) WITH ORDINALITY AS l (ms, n) ORDER BY l.n)) r
            """,
            parameters: [
                Parameter(reservations.map(\.name.owner)), Parameter(reservations.map(\.name.token)),
                Parameter(reservations.map(\.estimate)), Parameter(reservations.map(\.path.project)),
                Parameter(reservations.map(\.path.agent)), Parameter(reservations.map(\.path.handler)),
                Parameter(reservations.map(\.path.model)), Parameter(reservations.map(\.alternative?.estimate)),
                Parameter(reservations.map(\.alternative?.handler)), Parameter(reservations.map(\.alternative?.model)),
                Parameter(reservations.map(\.name.number)), Parameter(reservations.map(\.isDispatched)),
                Parameter(reservations.map(Self.life)),
            ])
    }

    func directAnswers(from result: PostgresResult) throws -> [DirectAnswer] {
        try result.rows.map { row in
            DirectAnswer(
                status: try row.decode(0), reason: try row.decode(1), isSwitched: try row.decode(2),
                totalBefore: try row.decode(3))
        }
    }
}
