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
        let status = try await place.stack.status()
        if json {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
            print(String(decoding: try encoder.encode(status), as: UTF8.self))
        } else {
            print("Folder      \(status.folder)")
            print("RabbitMQ    \(line(status.broker))")
            print("PostgreSQL  \(line(status.database))")
        }
        if !status.isReady { throw ExitCode(3) }
    }

    private func line(_ server: StackStatus.Server) -> String {
        let port = server.port.map { port in " on 127.0.0.1:\(port)" } ?? ""
        guard let pid = server.pid else { return "stopped (log: \(server.log))" }
        return "\(server.state.rawValue)\(port), pid \(pid) (log: \(server.log))"
    }
}
