internal import ArgumentParser

/// How many rows a list shows at most.
struct ListLimit: ParsableArguments {
    @Option(parsing: .unconditional, help: ArgumentHelp("The most rows shown, from 1 to 10000.", valueName: "n"))
    var limit = 50

    func validate() throws {
        guard (1...10_000).contains(limit) else { throw ValidationError("--limit goes from 1 to 10000.") }
    }
}
