internal import ArgumentParser

/// `moose dead-letters`.
struct DeadLettersCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dead-letters",
        abstract: "Look at what was refused or failed for good, and send it on its way again.",
        discussion: """
            EXAMPLES
              moose dead-letters list --reason malformed
              moose dead-letters show 0192f0c1-6b7a-7c3e-9d5e-2f4a6b8c0d1e
              moose dead-letters redrive --reason exhausted --since 2h --dry-run
              moose dead-letters peek moose.work.default
            """,
        subcommands: [
            DeadLettersList.self, DeadLettersShow.self, DeadLettersRedrive.self, DeadLettersPurge.self,
            DeadLettersExport.self, DeadLettersPeek.self, DeadLettersMove.self,
        ], aliases: ["dlq"])
}
