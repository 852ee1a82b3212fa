internal import ArgumentParser

/// What the measurements share.
struct BenchOptions: ParsableArguments {
    @Option(help: "Messages a round.") var count = 50_000
    @Option(help: "Rounds; the median counts.") var rounds = 3
    @Flag(help: "Print JSON.") var json = false

    func validate() throws {
        guard (1...1_000_000).contains(count) else { throw ValidationError("--count goes from 1 to 1000000.") }
        guard (1...100).contains(rounds) else { throw ValidationError("--rounds goes from 1 to 100.") }
    }

    /// Says on standard error how far it is, so that standard output carries the figures alone.
    func progress(_ text: String) { StandardError.write("\(text)\n") }
}
