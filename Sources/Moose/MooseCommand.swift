internal import ArgumentParser
internal import Glibc
internal import Telemetry

/// The command `moose`.
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

            Exit codes: 0 ok, 1 failed, 2 usage, 3 unreachable, 4 refused, 5 a worker over its memory limit.
            """,
        version: "0.1.0",
        subcommands: [
            UpCommand.self, StatusCommand.self, DoctorCommand.self, PublishCommand.self, PublishErrorCommand.self,
            WorkerCommand.self, WorkersCommand.self, ClientManagerCommand.self, MissionControlCommand.self,
            WorkOrdersCommand.self, EscalationsCommand.self, BudgetCommand.self, LanesCommand.self,
            SchedulesCommand.self,
            DeadLettersCommand.self, PruneCommand.self, SpoolCommand.self, TopologyCommand.self, MigrateCommand.self,
            StackCommand.self,
            ConfigCommand.self, BenchCommand.self, CommandGuardCommand.self,
        ])
}

/// Starts the command, with the exit codes its help promises.
@main
enum Program {
    /// Not `async`: before such a one runs there is a second thread, and what has to be done first no longer reaches it.
    static func main() {
        ProcessFrame.begin()
        // Detached: this function belongs to the main actor, whose thread it never gives back.
        Task.detached {
            let status = await run()
            let isWritten = StandardOutput.isWritten()
            Telemetry.StandardError.flush()
            exit(isWritten || status != ExitStatus.ok.rawValue ? status : ExitStatus.failed.rawValue)
        }
        // Nothing of ours asks for the main actor.
        while true { pause() }
    }

    /// Runs what the command line asks for, and returns its exit code.
    private static func run() async -> Int32 {
        if let number = ArgumentBytes.firstWithoutText() {
            StandardError.write(
                "moose: argument \(number) is not valid UTF-8, and would be taken for another text. Give such bytes in a file.\n"
            )
            return ExitStatus.usage.rawValue
        }
        do {
            var command = try MooseCommand.parseAsRoot()
            if var command = command as? any AsyncParsableCommand {
                try await command.run()
            } else {
                try command.run()
            }
        } catch {
            let code = MooseCommand.exitCode(for: error)
            let message = MooseCommand.fullMessage(for: error)
            if code == .success {
                // The help or the version, which was asked for.
                if !message.isEmpty { print(message) }
            } else if !message.isEmpty {
                StandardError.write(message + "\n")
            }
            return code == .validationFailure ? ExitStatus.usage.rawValue : code.rawValue
        }
        return ExitStatus.ok.rawValue
    }
}
