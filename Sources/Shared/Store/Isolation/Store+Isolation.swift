package import FoundationEssentials
package import Postgres
package import WorkOrders

extension Store {
    /// The last way to keep a dead letter: nothing of it but bytes and ids, in a form that no content can make fail.
    package func keepBytes(of letter: DeadLetter, because error: PostgresError) async throws(PostgresError) {
        _ = try await postgres.run(
            """
            SELECT moose.keep_bytes(
                \(letter.reason.rawValue), \(letter.workOrderID), \(Array((letter.lane ?? "").utf8)),
                \(Array(letter.body.prefix(65_536))), \(Int64(letter.body.count)), \(error.sqlState))
            """)
    }

    /// Keeps the bytes of a message of the outbox that can neither be sent nor buried, and takes it out.
    package func setAsideOutbox(_ message: OutboxMessage, because error: PostgresError) async throws(PostgresError) {
        _ = try await postgres.run(
            "SELECT moose.set_aside_outbox(\(message.row), \(message.lease), \(error.sqlState))")
    }

    /// Ends an order that the database takes in no other way: failed, its cost settled, with nothing in it that came from
    /// outside. What can't be written of it even so is left out.
    ///
    /// - Parameters:
    ///   - token: of the attempt that ends; nil: it is not running.
    ///   - cost: what the attempt cost; nil where nobody knows.
    /// - Returns: whether the order ended by this.
    package func endRefused(
        _ id: UUID, token: Int64?, didStart: Bool = false, cost: MicroUSD? = nil, because error: PostgresError
    ) async throws(PostgresError) -> Bool {
        do throws(PostgresError) {
            return try await end(id, token, didStart, cost, error, isBare: false)
        } catch let refusal where refusal.fault != .away && refusal.fault != .starved {
            return try await end(id, token, didStart, cost, error, isBare: true)
        }
    }

    private func end(
        _ id: UUID, _ token: Int64?, _ didStart: Bool, _ cost: MicroUSD?, _ error: PostgresError, isBare: Bool
    ) async throws(PostgresError) -> Bool {
        try await postgres.value(
            "SELECT moose.end_refused(\(id), \(token), \(didStart), \(cost?.microdollars), \(error.sqlState), \(isBare))"
        )
    }
}

extension Store {
    /// Says that a message is about to be read that came back again and again.
    /// - Returns: how often that was said of it before and never answered.
    package func beginMessage(_ body: [UInt8], id: String?) async throws(PostgresError) -> Int {
        try await postgres.count("SELECT moose.begin_message(\(body), \(Array((id ?? "").utf8)))")
    }

    /// Says that its reader has lived through it.
    package func answerMessage(_ body: [UInt8], id: String?) async throws(PostgresError) {
        _ = try await postgres.run("SELECT moose.answer_message(\(body), \(Array((id ?? "").utf8)))")
    }
}
