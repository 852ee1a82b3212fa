internal import ArgumentParser
internal import Stack

/// `moose stack env`.
struct StackEnvironment: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "env",
        abstract: "Print the variables that lead programs to this stack, for a shell to evaluate.",
        discussion: """
            The output holds the passwords of the private servers.

            EXAMPLES
              eval "$(moose stack env)"
              moose stack env --folder /tmp/try > stack.env
            """
    )

    @OptionGroup var place: StackFolder

    func run() throws {
        for (name, value) in try place.stack.environment() + [("MOOSE_SPOOL_FOLDER", place.spoolFolder)] {
            // Single quotes keep everything from the shell but a single quote.
            let quoted = value.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''")
            print("export \(name)='\(quoted)'")
        }
    }
}
