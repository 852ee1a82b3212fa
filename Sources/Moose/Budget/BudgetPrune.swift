internal import ArgumentParser
internal import FoundationEssentials
internal import Operations
internal import Postgres

/// `moose budget prune`.
struct BudgetPrune: DatabaseCommand {
    static let configuration = CommandConfiguration(
        commandName: "prune",
        abstract: "Delete old holds and ledger entries, while work goes on.",
        discussion: """
            Goes through the tables in short steps that nothing waits for; it can be stopped at any point and run again. \
            Deleted entries leave their sums, so every budget stays as it is. A hold that is gone can't be corrected \
            any more.

            EXAMPLES
              moose budget prune --dry-run
              moose budget prune --holds-days 60 --ledger-days 400
            """)

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("Keep closed holds for so long, at least 40 days.", valueName: "days"))
    var holdsDays = 60

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("Keep ledger entries for so long, at least as long as holds.", valueName: "days"))
    var ledgerDays = 400

    @Flag(help: "Only count what would be deleted.")
    var dryRun = false

    @OptionGroup var common: CommonOptions

    struct Wanted {
        let holds: LedgerPruning
        let ledger: LedgerPruning
        let who: String
    }

    func wanted() throws -> Wanted {
        func usage(_ what: String, _ why: String) -> CommandFailure { CommandFailure(what, why: why, status: .usage) }
        guard (40...36_500).contains(holdsDays), (40...36_500).contains(ledgerDays) else {
            throw usage("both ages go from 40 to 36500 days", "Younger entries count in a month that runs")
        }
        guard ledgerDays >= holdsDays else {
            throw usage(
                "--ledger-days must not be below --holds-days",
                "A late cost and a correction of a hold need the entries posted for it")
        }
        return Wanted(
            holds: LedgerPruning(rows: .holds, days: holdsDays, isDryRun: dryRun),
            ledger: LedgerPruning(rows: .ledger, days: ledgerDays, isDryRun: dryRun), who: try Who.name())
    }

    func answer(to wanted: Wanted, from database: PostgresClient, on terminal: Terminal) async throws -> CommandAnswer {
        let holds = try await Self.run(wanted.holds, "holds", in: database)
        let entries = try await Self.run(wanted.ledger, "ledger", in: database)
        if !dryRun, holds + entries > 0 {
            try await wanted.holds.record(holds: holds, entries: entries, by: wanted.who, in: database)
        }
        let verb = dryRun ? "would be deleted" : "deleted"
        return CommandAnswer(
            text: """
                \(NumberText.grouped(holds)) holds older than \(holdsDays) days \(verb).
                \(NumberText.grouped(entries)) ledger entries older than \(ledgerDays) days \(verb); their sums stay.

                """,
            json: ["holds": .count(holds), "ledger_entries": .count(entries), "dry_run": .bool(dryRun)])
    }

    private static func run(_ pruning: LedgerPruning, _ title: String, in database: PostgresClient) async throws -> Int
    {
        let terminal = Terminal.standardError(environment: ProcessInfo.processInfo.environment)
        let started = ContinuousClock.now
        var bar: ProgressBar?
        var last = 0
        let count = try await pruning.run(in: database) { done, total in
            // One step is over at once: a bar would only flicker.
            guard total > LedgerPruning.blocksAtATime else { return }
            if bar == nil { bar = ProgressBar(title: "\(title), blocks", total: total, terminal: terminal) }
            last = done
            bar?.update(done: done, elapsed: ContinuousClock.now - started).map(StandardError.write)
        }
        if let bar { StandardError.write(bar.finish(done: last, elapsed: ContinuousClock.now - started)) }
        return count
    }
}
