/// Every metric Moose itself exports, with its help text: what a dashboard may rely on.
package enum MetricName: String, Sendable, CaseIterable {
    case claims = "moose_claims_total"
    case finishes = "moose_finishes_total"
    case publishConfirms = "moose_publish_confirms_total"
    case slots = "moose_slots"
    case claimSeconds = "moose_claim_seconds"
    case finishSeconds = "moose_finish_seconds"
    case consumerRegistered = "moose_consumer_registered"
    case lastFrameAge = "moose_last_frame_age_seconds"
    case outboxLag = "moose_outbox_lag_seconds"
    case reconnects = "moose_reconnects_total"
    case leaseRescues = "moose_lease_rescues_total"
    case databaseAway = "moose_database_away"
    case deadLetters = "moose_dead_letters_total"
    case reports = "moose_reports_total"
    case reportsHeld = "moose_reports_held_total"
    case spoolBytes = "moose_spool_bytes"
    case spoolFailures = "moose_spool_failures_total"
    case escalationEvents = "moose_escalation_events_total"
    case processes = "moose_processes"
    case processRestarts = "moose_process_restarts"

    /// The `HELP` line: what is counted or measured, and the labels.
    package var help: String {
        switch self {
        case .claims: "Work orders this process tried to claim, by verdict."
        case .finishes: "Attempts this process ended, by outcome."
        case .publishConfirms: "Messages the broker confirmed to this process."
        case .slots: "Slots of this worker, by state."
        case .claimSeconds: "Time of one claim statement, a whole batch at once."
        case .finishSeconds: "Time of one finish statement, a whole batch at once."
        case .consumerRegistered: "1 while the broker has this process as a consumer, else 0, by lane."
        case .lastFrameAge: "Seconds since the broker last sent anything, heartbeats included."
        case .outboxLag: "Age of the oldest message due in the outbox and not yet sent."
        case .reconnects: "Connections opened again after a loss, by service."
        case .leaseRescues: "Work orders taken back from a worker that stopped renewing its lease."
        case .databaseAway: "1 while the database is away and this worker takes nothing new, else 0."
        case .deadLetters: "Messages and work orders given up on, by reason."
        case .reports: "Reports of this process that a net took, by net: outbox, broker or spool."
        case .reportsHeld: "Reports that only count in another event, by why: coalesced, or overflowed: no room."
        case .spoolBytes: "Bytes that wait on this machine's disk for servers that are away."
        case .spoolFailures: "Times the spool could not take a report."
        case .processes: "Worker processes of this parent, by state."
        case .processRestarts: "Worker processes this parent started again after they died, since its start."
        case .escalationEvents: "Error events written for the Client Manager."
        }
    }
}
