internal import ArgumentParser
internal import Stack

/// The option all `moose stack` commands share.
struct StackFolder: ParsableArguments {
    @Option(help: "The folder of the stack.")
    var folder = ".moose"

    var stack: Stack { Stack(folder: folder) }
}
