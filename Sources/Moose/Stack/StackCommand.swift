internal import ArgumentParser

/// `moose stack`: the private RabbitMQ and PostgreSQL.
struct StackCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stack",
        abstract: "A private RabbitMQ and PostgreSQL for this folder.",
        discussion: """
            Both listen on 127.0.0.1 on free ports of their own, beside those of the system, and keep their data under \
            .moose. They go on running after this command, until `moose stack stop`.

            EXAMPLES
              moose stack start
              moose stack status --json
              eval "$(moose stack env)"; psql
              moose stack stop --remove
            """,
        subcommands: [StackStart.self, StackStop.self, StackStatusCommand.self, StackEnvironment.self]
    )
}
