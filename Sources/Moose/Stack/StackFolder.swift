internal import ArgumentParser
internal import FoundationEssentials
internal import Stack

/// The option all `moose stack` commands share.
struct StackFolder: ParsableArguments {
    @Option(help: "The folder of the stack.")
    var folder = ".moose"

    var stack: Stack { Stack(folder: folder) }

    /// What waits for these servers goes when they go.
    var spoolFolder: String {
        let root = folder.hasPrefix("/") ? folder : "\(FileManager.default.currentDirectoryPath)/\(folder)"
        return "\(root)/spool"
    }
}
