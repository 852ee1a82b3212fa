internal import ArgumentParser

/// `moose workers`.
struct WorkersCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "workers",
        abstract: "Look at worker processes, drain them, change their slots.",
        discussion: """
            EXAMPLES
              moose workers list
              moose workers drain --host build-7 --reason "kernel update"
              moose workers resize 0192f0c1-6b7a-7c3e-9d5e-2f4a6b8c0d1e --lane llm:8
            """,
        subcommands: [WorkersList.self, WorkersDrain.self, WorkersResize.self])
}
