package import FoundationEssentials
package import Postgres

/// A message that is due, leased by this relay.
package struct OutboxMessage: Sendable {
    package let row: UUID
    package let lease: UUID
    package let exchange: String
    package let routingKey: String
    package let type: String
    package let correlationID: String?
    package let appID: String?
    package let replyTo: String?
    package let traceparent: String?
    package let body: [UInt8]
    /// How long past due it is.
    package let lag: Duration
}

/// A message that the broker refused for what it is.
package struct OutboxRefusal: Sendable {
    package let message: OutboxMessage
    /// In words, for whoever finds the dead letter.
    package let error: String
    /// It can never pass: a dead letter at once.
    package let isFinal: Bool
    /// It was refused alone, where others passed: a dead letter after ten times, wherever it was going.
    package let isOwnFault: Bool

    package init(_ message: OutboxMessage, error: String, isFinal: Bool, isOwnFault: Bool = false) {
        self.message = message
        self.error = error
        self.isFinal = isFinal
        self.isOwnFault = isOwnFault
    }
}

extension Store {
    /// Leases what is due for 30 s; other relays pass it by meanwhile.
    ///
    /// - Parameter skip: destinations to leave alone: exchange, line feed, routing key.
    package func leaseOutbox(
        _ lease: UUID, limit: Int = 500, skip: [String] = []
    ) async throws(PostgresError) -> [OutboxMessage] {
        var messages: [OutboxMessage] = []
        let rows = try await postgres.run(
            """
            SELECT id, exchange, routing_key, type, correlation_id, app_id, reply_to, traceparent, body, lag_seconds
            FROM moose.lease_messages(\(lease), \(Int32(clamping: limit)), \(skip))
            """
        ).rows
        for row in rows {
            messages.append(
                OutboxMessage(
                    row: try row.decode(0, as: UUID.self), lease: lease,
                    exchange: try row.decode(1, as: String.self), routingKey: try row.decode(2, as: String.self),
                    type: try row.decode(3, as: String.self), correlationID: try row.decode(4, as: String?.self),
                    appID: try row.decode(5, as: String?.self), replyTo: try row.decode(6, as: String?.self),
                    traceparent: try row.decode(7, as: String?.self), body: try row.decode(8, as: [UInt8].self),
                    lag: .seconds(try row.decode(9, as: Double.self))))
        }
        return messages
    }

    /// Deletes what the broker confirmed, except what was leased again meanwhile, and gives back what could not be
    /// published now through no fault of its own.
    ///
    /// - Returns: the rows that somebody holds just now, in no order. They are still leased: settle them again.
    package func settleOutbox(
        confirmed: [OutboxMessage], unsent: [OutboxMessage] = []
    ) async throws(PostgresError) -> Set<UUID> {
        let messages = confirmed + unsent
        guard !messages.isEmpty else { return [] }
        let areConfirmed = messages.indices.map { $0 < confirmed.count }
        return Set(
            try await postgres.value(
                "SELECT moose.settle_outbox(\(messages.map(\.row)), \(messages.map(\.lease)), \(areConfirmed))",
                as: [UUID].self))
    }

    /// Puts off what the broker refused for what it is; what can't pass becomes a dead letter with its error event.
    ///
    /// - Returns: how many dead letters.
    @discardableResult
    package func refuseOutbox(_ refusals: [OutboxRefusal]) async throws(PostgresError) -> Int {
        guard !refusals.isEmpty else { return 0 }
        return try await postgres.count(
            """
            SELECT moose.refuse_outbox(
                \(refusals.map(\.message.row)), \(refusals.map(\.message.lease)), \(refusals.map(\.error)),
                \(refusals.map { $0.isOwnFault && !$0.isFinal ? nil : $0.isFinal }))
            """)
    }

    /// How long until the next row becomes due; nil when none will.
    package func outboxWait() async throws(PostgresError) -> Duration? {
        try await postgres.value("SELECT moose.outbox_wait()", as: Double?.self).map { .seconds($0) }
    }
}
