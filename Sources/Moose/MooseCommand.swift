internal import ArgumentParser

/// The command `moose`.
@main
struct MooseCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "moose",
        abstract: "A worker pool for AI-agent work on RabbitMQ and PostgreSQL.",
        discussion: """
            EXAMPLES
              moose up --example deploy/examples      the whole system on this machine
              moose publish --kind lint --title "Lint the parser" --wait
              moose worker --lane default:8 --processes 2
              moose work-orders show 0192f0c1-6b7a-7c3e-9d5e-2f4a6b8c0d1e

            Exit codes: 0 ok, 1 failed, 2 usage, 3 unreachable, 4 refused.
            """,
        version: "0.1.0",
        subcommands: [
            UpCommand.self, StatusCommand.self, DoctorCommand.self, PublishCommand.self, PublishErrorCommand.self,
            WorkerCommand.self, ClientManagerCommand.self, WorkOrdersCommand.self, EscalationsCommand.self,
            BudgetCommand.self, DeadLettersCommand.self, TopologyCommand.self, MigrateCommand.self, StackCommand.self,
            ConfigCommand.self, BenchCommand.self,
        ])
}
