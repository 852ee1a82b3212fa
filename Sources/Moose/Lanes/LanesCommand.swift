internal import ArgumentParser

/// `moose lanes`.
struct LanesCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "lanes",
        abstract: "See lanes, pause and resume them, limit what runs, rename one.",
        discussion: """
            What is set here is kept in the database: it holds for all workers at once and survives restarts. Each \
            change is kept with who made it ($MOOSE_WHO, else user@host), when, and why.

            EXAMPLES
              moose lanes list
              moose lanes show llm
              moose lanes pause llm --reason "the provider is down"
              moose lanes resume llm
              moose lanes set llm --concurrency 20 --rate 100/minute
              moose lanes rename llm models --reason "moose.yaml calls it models now"
            """,
        subcommands: [
            LanesList.self, LanesShow.self, LanesPause.self, LanesResume.self, LanesSet.self, LanesRename.self,
        ])
}
