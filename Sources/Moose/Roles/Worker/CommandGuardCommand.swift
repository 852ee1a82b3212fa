internal import ArgumentParser
internal import Glibc
internal import Worker

/// `moose command-guard`: what a worker starts beside itself, never a person.
struct CommandGuardCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "command-guard",
        abstract: "Kill a worker's commands when it is gone. Workers start it themselves.",
        shouldDisplay: false)

    @Argument(help: "The folder of the worker's commands, removed at the end.")
    var folder: String

    func run() {
        var duty = GuardDuty()
        duty.serve(input: STDIN_FILENO, folder: folder)
    }
}
