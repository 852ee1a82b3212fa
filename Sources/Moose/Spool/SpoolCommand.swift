internal import ArgumentParser

/// `moose spool`.
struct SpoolCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "spool",
        abstract: "Look at what waits on this machine's disk, and send it.",
        discussion: """
            Orders of `moose publish --spool` and reports that neither database nor broker took wait in spool.folder \
            of moose.yaml. Workers and Client Managers here send them by themselves.

            EXAMPLES
              moose spool list
              moose spool flush
            """,
        subcommands: [SpoolList.self, SpoolFlush.self])
}
