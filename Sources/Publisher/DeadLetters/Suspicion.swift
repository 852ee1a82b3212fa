package import AMQP
internal import FoundationEssentials
internal import Messaging
internal import Postgres
package import Reporting
package import Store
internal import WorkOrders

/// Finds the message that ends whoever reads it. The broker counts how often it has had a message back; that says
/// little, for whatever waits beside such a message comes back with it, and so does what is given back in good order.
/// So it only has messages read one by one; of what came back more often, it is noted in the database that somebody
/// reads it, and only what was begun ``hopelessAfter`` times and never answered is put aside unread.
package struct Suspicion: Sendable {
    /// Returned so often, a message is read apart from all others.
    package static let aloneAfter: Int64 = 2
    /// Returned so often, it is noted that somebody reads it.
    static let notedAfter: Int64 = 4
    /// Begun so often without an answer, it is put aside unread.
    package static let hopelessAfter = 3

    let store: Store
    let reporter: Reporter

    package init(store: Store, reporter: Reporter) {
        self.store = store
        self.reporter = reporter
    }

    /// Whether it is to be read apart.
    package static func falls(on delivery: Delivery) -> Bool {
        (BrokerDeath.deliveryCount(delivery.properties.headers) ?? 0) >= aloneAfter
    }

    /// Reads a message that is suspected, and notes that before and after; or puts it aside unread.
    ///
    /// - Parameters:
    ///   - lane: the lane it came from, for the dead letter.
    ///   - acknowledge: called where it was put aside.
    ///   - read: returns when it is known what becomes of it.
    package func handle(
        _ delivery: Delivery, lane: String?, acknowledge: () -> Void, read: () async -> Void
    ) async {
        guard (BrokerDeath.deliveryCount(delivery.properties.headers) ?? 0) >= Self.notedAfter else {
            return await read()
        }
        do throws(PostgresError) {
            let unanswered = try await store.beginMessage(delivery.body, id: delivery.properties.messageID)
            if unanswered >= Self.hopelessAfter {
                try await putAside(delivery, lane: lane)
                acknowledge()
            } else {
                await read()
            }
            try await store.answerMessage(delivery.body, id: delivery.properties.messageID)
        } catch {
            // Without an acknowledgement it comes back with the connection, and is looked at again.
            reporter.report("suspect", "a message that came back often was not looked at", error: error)
        }
    }

    private func putAside(_ delivery: Delivery, lane: String?) async throws(PostgresError) {
        var letter = DeadLetter(
            reason: .poison, explanation: "", workOrderID: nil, exchange: "", routingKey: "", body: delivery.body,
            headers: "{}", isRedelivered: true)
        letter.lane = lane
        try await store.keepBytes(
            of: letter, because: .connectionLost(reason: "its readers died", outcomeUnknown: true))
        reporter.report(
            "intake", "a message ended \(Self.hopelessAfter) processes that read it; it is put aside unread",
            failureClass: .malformedOutput, severity: .critical, details: [.bytes: "\(delivery.body.count)"])
    }
}
