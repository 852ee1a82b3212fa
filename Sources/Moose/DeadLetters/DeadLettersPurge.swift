internal import ArgumentParser
internal import FoundationEssentials
internal import Operations
internal import Postgres
internal import Store

/// `moose dead-letters purge`.
struct DeadLettersPurge: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "purge",
        abstract: "Put dead letters away that nobody will need.",
        discussion: """
            Their state becomes `purged`; bodies and history stay in the database and in `list --state purged`. A failed \
            order stays failed. Asks first.

            EXAMPLES
              moose dead-letters purge 0192f0c1-6b7a-7c3e-9d5e-2f4a6b8c0d1e
              moose dead-letters purge --reason unknown_work_order --why "old doorbells" --yes
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

    func run() async throws {
        try await runCommand {
            let filter = try DeadLetterSelection.filter(which, ids, all: all)
            let who = try Who.name()
            let why = try self.why.map { text throws(CommandFailure) in try ReasonArgument.parse(text) }
            let count = try await common.withDatabase { database in
                let letters = try await filter.letters(in: database)
                if dryRun || letters.isEmpty { return letters.count }
                try Confirmation.ask("Purge \(NumberText.counted(letters.count, "dead letter"))?", isGiven: yes)
                try await DeadLetterAudit.record(
                    "dead letters purge", subject: "dead letters",
                    after: ["letters": .count(letters.count), "filter": which.audited], who: who, why: why,
                    in: database)
                var purged = 0
                for start in stride(from: 0, to: letters.count, by: 1000) {
                    purged += try await Store(database).purgeLetters(
                        Array(letters[start..<min(start + 1000, letters.count)]), who: who, why: why)
                }
                return purged
            }
            let verb = dryRun ? "would be purged" : "purged"
            print(
                common.json
                    ? try JSONOutput.text(["purged": JSONValue.count(count), "dry_run": .bool(dryRun)])
                    : "\(NumberText.counted(count, "dead letter")) \(verb).\n", terminator: "")
        }
    }
}
