internal import ArgumentParser
internal import ClientManager
internal import FoundationEssentials
internal import Operations
internal import Postgres
internal import Settings
internal import Store

/// `moose prune`.
struct PruneCommand: DatabaseCommand {
    static let configuration = CommandConfiguration(
        commandName: "prune",
        abstract: "Delete what is finished and old, while work goes on.",
        discussion: """
            A Client Manager does so once a day; the times are those of the block retention of moose.yaml. Finished work \
            orders go with their attempts, dependencies, events and dead letters, except those that somebody may still \
            ask for: one that others wait for, that has an open escalation, a dead letter nobody has decided about, or \
            a hold that isn't settled. Resolved escalations, letters that were redriven or purged, what CI said, the \
            audit log and old entries of the ledger (as `moose budget prune`) go too. Ids go on being recognised.

            It works in steps of at most 500 orders, each a commit of its own, and pauses between them. It can be \
            stopped at any point and run again.

            EXAMPLES
              moose prune --dry-run
              moose prune --orders-days 7 --ids-days 30
              moose prune --share 100 --limit 100000
            """)

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("Keep finished orders for so long (default: retention.orders_days).", valueName: "days"))
    var ordersDays: Int?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("Recognise ids for so long (default: retention.ids_days).", valueName: "days"))
    var idsDays: Int?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("Keep the audit log for so long (default: retention.audit_days).", valueName: "days"))
    var auditDays: Int?

    @Option(parsing: .unconditional, help: ArgumentHelp("Delete at most so many orders.", valueName: "orders"))
    var limit: Int?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("Work for so much of the time, pause for the rest.", valueName: "percent"))
    var share = 20

    @Flag(help: "Only count what would be deleted.")
    var dryRun = false

    @OptionGroup var common: CommonOptions

    func wanted() throws -> Wanted {
        func usage(_ what: String, _ why: String) -> CommandFailure { CommandFailure(what, why: why, status: .usage) }
        for (option, days) in [
            ("--orders-days", ordersDays), ("--ids-days", idsDays), ("--audit-days", auditDays),
        ] {
            guard (1...36_500).contains(days ?? 1) else {
                throw usage("\(option) goes from 1 to 36500 days", "Less would delete what ended just now")
            }
        }
        guard (1...1_000_000_000).contains(limit ?? 1) else {
            throw usage("--limit goes from 1 to 1000000000 orders", "Without it all that are old go")
        }
        guard (1...100).contains(share) else {
            throw usage("--share goes from 1 to 100 percent", "It is the part of the time that deleting takes")
        }
        var kept = try common.settings().retention
        kept.ordersDays = ordersDays ?? kept.ordersDays
        kept.idsDays = idsDays ?? kept.idsDays
        kept.auditDays = auditDays ?? kept.auditDays
        guard kept.idsDays >= kept.ordersDays else {
            throw usage(
                "--ids-days must not be below --orders-days",
                "An id whose order is gone would be taken for new when its message comes again")
        }
        var retention = Retention(days: kept.days)
        retention.share = share
        retention.limit = limit
        retention.isDryRun = dryRun
        return Wanted(retention: retention, who: try Who.name())
    }

    func answer(to wanted: Wanted, from database: PostgresClient, on terminal: Terminal) async throws -> CommandAnswer {
        let store = Store(database)
        var recorded = RetentionCounts()
        var last = RetentionPart.orders
        let counts = try await wanted.retention.run(on: store) { part, counts in
            // After each part, so that one that is stopped has left its word.
            guard part != last, !dryRun else { return }
            last = part
            try await store.recordPrune(counts.since(recorded).json, who: wanted.who)
            recorded = counts
        }
        if !dryRun { try await store.recordPrune(counts.since(recorded).json, who: wanted.who) }
        return CommandAnswer(text: text(counts), json: json(counts))
    }

    private func text(_ counts: RetentionCounts) -> String {
        func line(_ count: Int, _ what: String) -> String {
            let number = NumberText.grouped(count)
            return String(repeating: " ", count: max(0, 12 - number.count)) + "\(number) \(what)\n"
        }
        return (dryRun ? "Would be deleted:\n" : "Deleted:\n")
            + line(counts.orders, "finished work orders")
            + line(counts.attempts, "attempts of theirs")
            + line(counts.letters, "dead letters")
            + line(counts.escalations, "resolved escalations")
            + line(counts.events, "events of orders and escalations")
            + line(counts.webhooks, "webhooks and results of CI")
            + line(counts.audit, "entries of the audit log")
            + line(counts.ids, "ids that were recognised")
            + line(counts.holds, "closed holds")
            + line(counts.ledger, "entries of the ledger, whose sums stay")
    }

    private func json(_ counts: RetentionCounts) -> JSONValue {
        var members = Dictionary(counts.named.map { ($0.name, JSONValue.count($0.count)) }) { first, _ in first }
        members["dry_run"] = .bool(dryRun)
        return .object(members)
    }

    struct Wanted {
        let retention: Retention
        let who: String
    }
}

extension RetentionSettings {
    /// How long each part is kept.
    var days: [RetentionPart: Int] {
        [
            .orders: ordersDays, .ids: idsDays, .letters: ordersDays, .escalations: ordersDays, .webhooks: ordersDays,
            .audit: auditDays, .holds: holdsDays, .ledger: ledgerDays,
        ]
    }
}
