internal import ArgumentParser
internal import FoundationEssentials
internal import Stack

/// `moose stack status`.
struct StackStatusCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Show what both servers are doing; exits with 3 unless both are ready.",
        discussion: """
            EXAMPLES
              moose stack status
              moose stack status --json
            """
    )

    @OptionGroup var place: StackFolder

    @Flag(help: "Print JSON.")
    var json = false

    func run() async throws {
        let status: StackStatus
        do {
            status = try await place.stack.status()
        } catch let error as StackError {
            // No server is ready where there is no stack, and a script that waits for one goes on waiting.
            StandardError.write(CommandFailure(error.description).description + "\n")
            throw ExitCode(ExitStatus.unreachable.rawValue)
        }
        if json {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
            print(String(decoding: try encoder.encode(status), as: UTF8.self))
        } else {
            print("Folder      \(status.folder)")
            print("RabbitMQ    \(line(status.broker))")
            print("PostgreSQL  \(line(status.database))")
        }
        if !status.isReady { throw ExitCode(ExitStatus.unreachable.rawValue) }
    }

    private func line(_ server: StackStatus.Server) -> String {
        let port = server.port.map { port in " on 127.0.0.1:\(port)" } ?? ""
        guard let pid = server.pid else { return "stopped (log: \(server.log))" }
        return "\(server.state.rawValue)\(port), pid \(pid) (log: \(server.log))"
    }
}
