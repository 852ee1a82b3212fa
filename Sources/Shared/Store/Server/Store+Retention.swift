package import FoundationEssentials
package import Postgres

/// What retention deletes, each from a table of its own.
package enum RetentionPart: String, Sendable, CaseIterable {
    /// Finished orders, with their attempts, dependencies, events and dead letters.
    case orders
    /// The rows by which the ids of pruned orders are recognised.
    case ids
    /// Dead letters of messages that were redriven or purged.
    case letters
    /// Resolved escalations, with their events.
    case escalations
    /// What CI said, and which of its webhooks came.
    case webhooks
    case audit
    /// Closed holds of the ledger.
    case holds
    /// The ledger's entries; their sums stay.
    case ledger
}

/// What one short step of a part did, or would do.
package struct PruneStep: Sendable, Equatable {
    package var deleted: Int
    package var attempts: Int
    package var events: Int
    package var letters: Int
    /// The block of the table to go on at; nil: that was all of it.
    package var next: Int64?

    package init(deleted: Int = 0, attempts: Int = 0, events: Int = 0, letters: Int = 0, next: Int64? = nil) {
        self.deleted = deleted
        self.attempts = attempts
        self.events = events
        self.letters = letters
        self.next = next
    }
}

extension Store {
    /// One step, a commit of its own: at most `limit` rows of `blocks` blocks of the table (of the ledger's tables, all
    /// that is old in them).
    package func prune(
        _ part: RetentionPart, olderThan days: Int, from block: Int64, blocks: Int, limit: Int, dryRun: Bool
    ) async throws(PostgresError) -> PruneStep {
        let (days, blocks, limit) = (Int32(clamping: days), Int32(clamping: blocks), Int32(clamping: limit))
        let query: Query =
            switch part {
            case .orders:
                """
                SELECT deleted, next_block, attempts, events, letters FROM moose.prune_orders(
                    now() - make_interval(days => \(days)), \(block), \(blocks), \(limit), \(dryRun))
                """
            case .ids:
                """
                SELECT deleted, next_block, 0::bigint, 0::bigint, 0::bigint FROM moose.prune_ids(
                    now() - make_interval(days => \(days)), \(block), \(blocks), \(limit), \(dryRun))
                """
            case .letters:
                """
                SELECT deleted, next_block, 0::bigint, 0::bigint, 0::bigint FROM moose.prune_letters(
                    now() - make_interval(days => \(days)), \(block), \(blocks), \(limit), \(dryRun))
                """
            case .escalations:
                """
                SELECT deleted, next_block, 0::bigint, events, 0::bigint FROM moose.prune_escalations(
                    now() - make_interval(days => \(days)), \(block), \(blocks), \(limit), \(dryRun))
                """
            case .webhooks:
                """
                SELECT deleted, next_block, 0::bigint, 0::bigint, 0::bigint FROM moose.prune_webhooks(
                    now() - make_interval(days => \(days)), \(limit), \(dryRun))
                """
            case .audit:
                """
                SELECT deleted, next_block, 0::bigint, 0::bigint, 0::bigint FROM moose.prune_audit(
                    now() - make_interval(days => \(days)), \(limit), \(dryRun))
                """
            case .holds:
                """
                SELECT deleted, next_block, 0::bigint, 0::bigint, 0::bigint FROM moose.prune_holds(
                    now() - make_interval(days => \(days)), \(block), \(blocks), \(dryRun))
                """
            case .ledger:
                """
                SELECT deleted, next_block, 0::bigint, 0::bigint, 0::bigint FROM moose.prune_ledger(
                    now() - make_interval(days => \(days)), \(block), \(blocks), \(dryRun))
                """
            }
        var step = PruneStep()
        (step.deleted, step.next, step.attempts, step.events, step.letters) = try await postgres.row(query)
        return step
    }

    /// Takes the daily run where it is due and nobody else is at it, or keeps it for so long more.
    package func takeRetention(_ lease: UUID, for time: Duration) async throws(PostgresError) -> Bool {
        try await postgres.value(
            "SELECT moose.take_retention(\(lease), \(time.milliseconds) * interval '1 millisecond')")
    }

    /// The daily run is done; the next is due in a day.
    /// - Parameter counts: what it deleted, a JSON object.
    package func endRetention(_ lease: UUID, counts: String, who: String) async throws(PostgresError) {
        _ = try await postgres.run("SELECT moose.end_retention(\(lease), \(counts)::jsonb, \(who))")
    }

    /// Keeps in the audit log what somebody deleted.
    package func recordPrune(_ counts: String, who: String) async throws(PostgresError) {
        _ = try await postgres.run("SELECT moose.record_prune(\(counts)::jsonb, \(who))")
    }
}
