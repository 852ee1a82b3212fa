package import FoundationEssentials
package import Postgres

/// An error event with what the Client Manager made of it, ready to be counted.
package struct ClassifiedEvent: Sendable {
    package var id: UUID
    package var fingerprint: String
    package var trigger: String
    package var failureClass: String
    package var severity: String
    package var component: String
    package var operation: String
    package var handler: String?
    package var message: String
    package var workOrderID: UUID?
    /// JSON object.
    package var details: String
    package var occurredAt: Date
    /// JSON array of resolution options.
    package var options: String

    package init(
        id: UUID, fingerprint: String, trigger: String, failureClass: String, severity: String, component: String,
        operation: String, handler: String?, message: String, workOrderID: UUID?, details: String, occurredAt: Date,
        options: String
    ) {
        self.id = id
        self.fingerprint = fingerprint
        self.trigger = trigger
        self.failureClass = failureClass
        self.severity = severity
        self.component = component
        self.operation = operation
        self.handler = handler
        self.message = message
        self.workOrderID = workOrderID
        self.details = details
        self.occurredAt = occurredAt
        self.options = options
    }
}

extension Store {
    /// Counts events into their escalations; an id that was recorded before counts no more. Returns how many were new.
    ///
    /// - Parameter isCanary: ask the database also with no event at all.
    package func record(_ events: [ClassifiedEvent], isCanary: Bool = false) async throws(PostgresError) -> Int {
        guard !events.isEmpty else { return isCanary ? try await recordAtOnce([]) : 0 }
        var count = 0
        for piece in events.pieces({ $0.details.utf8.count + $0.message.utf8.count + 1000 }) {
            count += try await recordAtOnce(piece)
        }
        return count
    }

    private func recordAtOnce(_ events: ArraySlice<ClassifiedEvent>) async throws(PostgresError) -> Int {
        try await postgres.count(
            """
            SELECT moose.record_error_events(
                \(events.map(\.id)), \(events.map(\.fingerprint)), \(events.map(\.trigger)),
                \(events.map(\.failureClass)), \(events.map(\.severity)), \(events.map(\.component)),
                \(events.map(\.operation)), \(events.map(\.handler)), \(events.map(\.message)),
                \(events.map(\.workOrderID)), \(events.map(\.details)), \(events.map(\.occurredAt)),
                \(events.map(\.options)))
            """)
    }
}
