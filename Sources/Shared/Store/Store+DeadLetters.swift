package import FoundationEssentials
package import Postgres
package import WorkOrders

/// A message on its way into `dead_letters`.
package struct DeadLetter: Sendable {
    package var reason: DeadLetterReason
    /// In words, for whoever inspects it.
    package var explanation: String
    package var workOrderID: UUID?
    package var exchange: String
    package var routingKey: String
    package var body: [UInt8]
    /// The message's properties and headers as a JSON object.
    package var headers: String
    /// The broker delivered it before: then an equal dead letter is not written twice.
    package var isRedelivered: Bool

    package init(
        reason: DeadLetterReason, explanation: String, workOrderID: UUID?, exchange: String, routingKey: String,
        body: [UInt8], headers: String, isRedelivered: Bool
    ) {
        self.reason = reason
        self.explanation = explanation
        self.workOrderID = workOrderID
        self.exchange = exchange
        self.routingKey = routingKey
        self.body = body
        self.headers = headers
        self.isRedelivered = isRedelivered
    }
}

extension Store {
    /// Writes dead letters and their error events in one commit. Returns how many were new.
    package func bury(_ letters: [DeadLetter]) async throws(PostgresError) -> Int {
        guard !letters.isEmpty else { return 0 }
        let nothing = [String?](repeating: nil, count: letters.count)
        let result = try await postgres.run(
            """
            SELECT moose.bury_batch(
                \(letters.map(\.reason.rawValue)), \(letters.map(\.explanation)), \(letters.map(\.workOrderID)),
                \(nothing), \(letters.map(\.routingKey)), \(letters.map(\.exchange)), \(letters.map(\.routingKey)),
                \(letters.map(\.body)), \(letters.map(\.headers)), \(letters.map(\.isRedelivered)))
            """)
        return try result.first.map { row throws(PostgresError) in Int(try row.decode(0, as: Int32.self)) } ?? 0
    }
}
