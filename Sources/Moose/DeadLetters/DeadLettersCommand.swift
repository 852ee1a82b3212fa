internal import ArgumentParser

/// `moose dead-letters`.
struct DeadLettersCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dead-letters",
        abstract: "Look at messages that were refused.",
        discussion: """
            EXAMPLES
              moose dead-letters list --reason malformed
              moose dead-letters show 0192f0c1-6b7a-7c3e-9d5e-2f4a6b8c0d1e
            """,
        subcommands: [DeadLettersList.self, DeadLettersShow.self], aliases: ["dlq"])
}
