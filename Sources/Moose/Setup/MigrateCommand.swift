internal import ArgumentParser
internal import Operations
internal import Postgres
internal import Store

/// `moose migrate`.
struct MigrateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "migrate",
        abstract: "Bring the database's schema up to date.",
        discussion: """
            Applies the migrations that are missing, then installs the functions of this release. Functions of a newer \
            release stay. Safe to run twice and from several places at once.

            EXAMPLES
              moose migrate
              moose migrate --dry-run
            """)

    @OptionGroup var common: CommonOptions
    @Flag(help: "Only say what would be done.") var dryRun = false

    func run() async throws {
        try await runCommand {
            try await common.withDatabase { client in
                let migrator = Migrator(client: client)
                let change = try await dryRun ? migrator.pending(.moose) : migrator.apply(.moose)
                let shown = try common.json ? JSONOutput.text(json(change)) : text(change)
                print(shown, terminator: "")
            }
        }
    }

    private func json(_ change: SchemaChange) -> JSONValue {
        .object([
            "migrations": .array(change.migrations.map { .string("\($0.id) \($0.name)") }),
            "functions": .bool(change.installsFunctions),
        ])
    }

    private func text(_ change: SchemaChange) -> String {
        if change.isEmpty { return "The schema is up to date.\n" }
        let verb = dryRun ? "pending" : "applied"
        let migrations = change.migrations.map { "\(verb)  \($0.id) \($0.name)\n" }
        let functions =
            switch (change.installsFunctions, dryRun) {
            case (true, false): "the functions were installed"
            case (true, true): "the functions would be installed"
            case (false, _): "the functions stay as they are"
            }
        return migrations.joined() + "\(NumberText.counted(migrations.count, "migration")) \(verb); \(functions).\n"
    }
}
