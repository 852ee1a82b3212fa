internal import ArgumentParser
internal import Postgres
internal import Store

/// `moose migrate`.
struct MigrateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "migrate",
        abstract: "Bring the database's schema up to date.",
        discussion: """
            Safe to run twice and from several places at once.

            EXAMPLES
              moose migrate
              moose migrate --dry-run
            """)

    @OptionGroup var common: CommonOptions
    @Flag(help: "Only say what would be applied.") var dryRun = false

    func run() async throws {
        try await runCommand {
            try await common.withDatabase { client in
                let migrator = Migrator(client: client)
                let changed =
                    try await dryRun ? migrator.pending(Migrations.all) : migrator.apply(Migrations.all)
                if common.json {
                    print(try JSONOutput.text(list: changed.map { "\($0.id) \($0.name)" }))
                } else if changed.isEmpty {
                    print("The schema is up to date.")
                } else {
                    for migration in changed {
                        print("\(dryRun ? "pending" : "applied")  \(migration.id) \(migration.name)")
                    }
                }
            }
        }
    }
}
