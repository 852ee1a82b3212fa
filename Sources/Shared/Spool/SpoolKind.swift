/// What a spool file holds. Each kind has files of its own, because they take different ways home.
package enum SpoolKind: String, Sendable, CaseIterable {
    /// Error events: through the database's outbox or the broker, whichever answers first.
    case events
    /// Work orders: only through the broker.
    case orders
}
