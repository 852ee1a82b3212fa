internal import ArgumentParser
internal import Stack

/// `moose stack stop`.
struct StackStop: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stop",
        abstract: "Stop both servers; their data stay.",
        discussion: """
            EXAMPLES
              moose stack stop
              moose stack stop --remove
            """
    )

    @OptionGroup var place: StackFolder

    @Flag(help: "Delete all queues and tables too.")
    var remove = false

    func run() async throws {
        if remove { try await place.stack.remove() } else { try await place.stack.stop() }
        print(remove ? "Stopped and removed." : "Stopped.")
    }
}
