internal import ArgumentParser

/// `moose escalations`.
struct EscalationsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "escalations",
        abstract: "Look at what a person must decide.",
        discussion: """
            EXAMPLES
              moose escalations list
              moose escalations show 0192f0c1-6b7a-7c3e-9d5e-2f4a6b8c0d1e
            """,
        subcommands: [EscalationsList.self, EscalationsShow.self])
}
