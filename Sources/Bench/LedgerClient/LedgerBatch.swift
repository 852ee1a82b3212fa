package import Postgres
internal import WorkOrders

/// Many reservations and moves as one statement and one commit: the Swift face of `moose.ledger_batch`.
package struct LedgerBatch: Sendable {
    private static let sql = """
        SELECT answer, reason, replay, state, estimate_u
        FROM moose.ledger_batch($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
        """

    package let postgres: PostgresClient

    package init(_ postgres: PostgresClient) { self.postgres = postgres }

    /// Carries out all moves, then reserves in the order of the items: money given back is there for the reservations.
    ///
    /// After a lost reply, run the same items again: what was granted is answered as a replay.
    ///
    /// - Parameter items: each name once; a few hundred are best.
    /// - Returns: one answer an item, in their order.
    package func run(_ items: [LedgerItem]) async throws(PostgresError) -> [LedgerAnswer] {
        guard !items.isEmpty else { return [] }
        var columns = LedgerColumns(capacity: items.count)
        for item in items { columns.append(item) }
        let rows = try await postgres.run(Query(Self.sql, parameters: columns.parameters)).rows
        guard rows.count == items.count else {
            throw .decoding(
                column: "answer", row: rows.count, fault: .malformed("\(rows.count) answers to \(items.count) items"))
        }
        // The moves come first.
        var nextMove = 0
        var nextReservation = columns.moves
        var answers: [LedgerAnswer] = []
        answers.reserveCapacity(items.count)
        for item in items {
            if item.isReservation {
                answers.append(.reservation(try Self.reservation(rows, nextReservation)))
                nextReservation += 1
            } else {
                answers.append(.move(try Self.move(rows, nextMove)))
                nextMove += 1
            }
        }
        return answers
    }

    private static func reservation(_ rows: PostgresRows, _ index: Int) throws(PostgresError) -> HoldAnswer {
        let row = rows[index]
        let word = try row.decode(0, as: String.self)
        if word == "refused" { return .refused(try row.decode(1, as: HoldAnswer.Refusal.self)) }
        guard let status = HoldGrant.Status(rawValue: word) else { throw row.unknown(word, 0) }
        let state = try row.decode(3, as: HoldState.self)
        guard state.isOpen else { return .closed(state) }
        return .granted(
            HoldGrant(
                status: status, state: state,
                estimate: MicroUSD(microdollars: try row.decode(4, as: Int64.self)),
                isReplay: try row.decode(2, as: Bool.self)))
    }

    private static func move(_ rows: PostgresRows, _ index: Int) throws(PostgresError) -> MoveAnswer {
        let row = rows[index]
        switch try row.decode(0, as: MoveWord.self) {
        case .done: return .done(try row.decode(3, as: HoldState.self))
        case .replay: return .replay(try row.decode(3, as: HoldState.self))
        case .refused: return .refused(try row.decode(3, as: HoldState.self))
        case .unknown: return .unknown
        }
    }

    /// What the database says became of a move.
    private enum MoveWord: String, PostgresWord {
        case done, replay, refused, unknown
    }
}

extension HoldState: PostgresWord {}
extension HoldAnswer.Refusal: PostgresWord {}
