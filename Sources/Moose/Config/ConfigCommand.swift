internal import ArgumentParser

/// `moose config`.
struct ConfigCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "config",
        abstract: "Look at the configuration.",
        subcommands: [ConfigShow.self])
}
