internal import ArgumentParser
internal import FoundationEssentials
internal import Operations
internal import Postgres
internal import Store

/// `moose dead-letters purge`.
struct DeadLettersPurge: DatabaseCommand {
    static let configuration = CommandConfiguration(
        commandName: "purge",
        abstract: "Put dead letters away that nobody will need.",
        discussion: """
            Their state becomes `purged`; bodies and history stay in the database and in `list --state purged`. A failed \
            order stays failed. Asks first.

            EXAMPLES
              moose dead-letters purge 0192f0c1-6b7a-7c3e-9d5e-2f4a6b8c0d1e
              moose dead-letters purge --reason unknown_work_order --why "pruned since" --yes
              moose dead-letters purge --all --until 30d --dry-run
            """)

    @Argument(
        help: ArgumentHelp("The ids of dead letters; without any, all that the conditions name.", valueName: "id"))
    var ids: [String] = []

    @OptionGroup var which: DeadLetterOptions

    @Flag(help: "Every dead letter, where no other condition is given.")
    var all = false

    @Flag(help: "Only count them.")
    var dryRun = false

    @Flag(help: "Don't ask.")
    var yes = false

    @Option(help: "Why; kept with each letter.")
    var why: String?

    @OptionGroup var common: CommonOptions

    /// What is asked for.
    struct Wanted {
        let filter: DeadLetterFilter
        let who: String
        let why: String?
    }

    func wanted() throws -> Wanted {
        let filter = try DeadLetterSelection.filter(which, ids, all: all)
        let who = try Who.name()
        return Wanted(
            filter: filter, who: who,
            why: try why.map { text throws(CommandFailure) in try ReasonArgument.parse(text) })
    }

    func answer(to wanted: Wanted, from database: PostgresClient, on terminal: Terminal) async throws -> CommandAnswer {
        let count = try await purge(wanted, in: database)
        let verb = dryRun ? "would be purged" : "purged"
        return CommandAnswer(
            text: "\(NumberText.counted(count, "dead letter")) \(verb).\n",
            json: ["purged": .count(count), "dry_run": .bool(dryRun)])
    }

    /// - Returns: how many were purged, or would be.
    private func purge(_ wanted: Wanted, in database: PostgresClient) async throws -> Int {
        let letters = try await wanted.filter.letters(in: database)
        if dryRun || letters.isEmpty { return letters.count }
        try Confirmation.ask("Purge \(NumberText.counted(letters.count, "dead letter"))?", isGiven: yes)
        try await DeadLetterAudit.record(
            "dead letters purge", subject: "dead letters",
            after: ["letters": .count(letters.count), "filter": which.audited], who: wanted.who, why: wanted.why,
            in: database)
        var purged = 0
        for start in stride(from: 0, to: letters.count, by: 1000) {
            purged += try await Store(database).purgeLetters(
                Array(letters[start..<min(start + 1000, letters.count)]), who: wanted.who, why: wanted.why)
        }
        return purged
    }
}
