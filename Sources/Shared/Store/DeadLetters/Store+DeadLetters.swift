package import FoundationEssentials
package import Postgres
package import WorkOrders

/// A dead letter taken for a redrive.
package struct LeasedLetter: Sendable {
    package let id: UUID
    /// Which redrive of it this is, from 1.
    package let number: Int32
    package let reason: DeadLetterReason
    /// Where it was published to.
    package let exchange: String
    package let routingKey: String
    package let body: [UInt8]
    /// Properties and headers as a JSON object.
    package let headers: String
    /// The same exactly as they came; nil where the message is gone.
    package let properties: [UInt8]?
    /// Bytes of the body as it was, where only its beginning was kept.
    package let cutSize: Int64?
    /// Seals the mark of this redrive; nobody else knows it.
    package let key: UUID

    fileprivate init(_ row: PostgresRow) throws(PostgresError) {
        (id, number, reason, exchange, routingKey, body, headers, properties, cutSize, key) = try row.decode()
    }
}

/// A letter that is dead.
package struct OpenLetter: Sendable {
    package let id: UUID
    /// Another redriver holds it now.
    package let isHeld: Bool
    /// Who holds the unique key of the order it stands for, where another does.
    package let keyHolder: UUID?
}

extension DeadLetterReason: PostgresWord {}

extension Store {
    /// Writes dead letters, each with its error event in one commit; large ones go in several. Returns how many were new, or
    /// dead again.
    ///
    /// - Parameter isCanary: ask the database also with no letter at all.
    package func bury(_ letters: [DeadLetter], isCanary: Bool = false) async throws(PostgresError) -> Int {
        guard !letters.isEmpty else { return isCanary ? try await buryAtOnce([]) : 0 }
        var count = 0
        for piece in letters.pieces({ $0.size }) { count += try await buryAtOnce(piece) }
        return count
    }

    private func buryAtOnce(_ letters: ArraySlice<DeadLetter>) async throws(PostgresError) -> Int {
        try await postgres.count(
            """
            SELECT moose.bury_batch(
                \(letters.map(\.reason.rawValue)), \(letters.map(\.explanation)), \(letters.map(\.workOrderID)),
                \(letters.map(\.kind)), \(letters.map(\.lane)), \(letters.map(\.exchange)), \(letters.map(\.routingKey)),
                \(letters.map(\.body)), \(letters.map(\.headers)), \(letters.map(\.isRedelivered)),
                \(letters.map(\.deliveries)), \(letters.map(\.queue)), \(letters.map(\.deaths)),
                \(letters.map(\.diedAt)), \(letters.map(\.redriveOf)), \(letters.map(\.redriveNumber)),
                \(letters.map(\.properties)), \(letters.map(\.digest)), \(letters.map(\.cutSize)),
                \(letters.map(\.cutDigest)), \(letters.map(\.redriveSeal)))
            """)
    }

    /// Gives letters that a claim wrote for an id that was used, or that no order has, the properties of their messages.
    package func completeLetters(_ letters: [DeadLetter]) async throws(PostgresError) {
        for piece in letters.pieces({ $0.size }) {
            _ = try await postgres.run(
                """
                SELECT moose.complete_letters(
                    \(piece.map(\.workOrderID)), \(piece.map(\.body)), \(piece.map(\.headers)), \(piece.map(\.properties)))
                """)
        }
    }

    /// Cuts a list of letters so that the bodies of each piece are of bounded size; those that are gone are left out.
    package func letterPieces(_ ids: [UUID]) async throws(PostgresError) -> [[UUID]] {
        let sizes = try await postgres.run(
            """
            SELECT d.id, octet_length(d.body) FROM moose.dead_letters d
            JOIN unnest(\(ids)) WITH ORDINALITY AS i (id, nth) ON i.id = d.id ORDER BY i.nth
            """
        ).rows.decode((UUID, Int).self)
        return sizes.pieces { _, bytes in bytes }.map { piece in piece.map { id, _ in id } }
    }

    /// Takes those of the letters that are dead and in nobody's hands.
    /// - Parameters:
    ///   - time: afterwards another redriver may take them, and publish them again under the same ids.
    ///   - includingOrders: also letters that stand for failed orders, to publish something else in their place.
    package func leaseLetters(
        _ ids: [UUID], lease: UUID, for time: Duration, includingOrders: Bool = false
    ) async throws(PostgresError) -> [LeasedLetter] {
        try await postgres.run(
            """
            SELECT id, number, reason, exchange, routing_key, body, headers::text, properties, cut_size, key
            FROM moose.lease_letters(\(lease), \(ids), \(time), \(includingOrders))
            """
        ).rows.map(LeasedLetter.init)
    }

    /// After the confirm: the letters are redriven. Returns how many; what came back meanwhile stays dead.
    /// - Parameter details: where each went.
    package func markRedriven(
        _ ids: [UUID], details: [String], lease: UUID, who: String, why: String?
    ) async throws(PostgresError) -> Int {
        try await postgres.count("SELECT moose.mark_redriven(\(lease), \(ids), \(details), \(who), \(why))")
    }

    /// Gives letters back that were not published.
    package func releaseLetters(_ ids: [UUID], lease: UUID) async throws(PostgresError) {
        _ = try await postgres.run("SELECT moose.release_letters(\(lease), \(ids))")
    }

    /// Sends the failed orders that these letters stand for back to work, with a fresh series of attempts. Returns how many.
    package func redriveOrders(_ letters: [UUID], who: String, why: String?) async throws(PostgresError) -> Int {
        try await postgres.count("SELECT moose.redrive_orders(\(letters), \(who), \(why))")
    }

    /// Puts letters away; their bodies stay. Returns how many were dead and in nobody's hands.
    package func purgeLetters(_ letters: [UUID], who: String, why: String?) async throws(PostgresError) -> Int {
        try await postgres.count("SELECT moose.purge_letters(\(letters), \(who), \(why))")
    }

    /// Those of the letters that are dead still.
    package func openLetters(_ letters: [UUID]) async throws(PostgresError) -> [OpenLetter] {
        try await postgres.run(
            """
            SELECT d.id, coalesce(d.leased_until > now(), false), u.work_order_id
            FROM moose.dead_letters d
            LEFT JOIN moose.work_orders w ON w.id = d.work_order_id AND d.is_order AND w.state = 'failed'
            LEFT JOIN moose.unique_keys u ON u.key = w.unique_key AND u.work_order_id <> w.id
                                         AND moose.holds_unique_key(u.work_order_id, u.held_until)
            WHERE d.id = ANY (\(letters)) AND d.state = 'dead'
            """
        ).rows.decode().map(OpenLetter.init)
    }
}
