internal import ArgumentParser

/// `moose bench`.
struct BenchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench",
        abstract:
            "Measure this machine: speed beside a reference, or latency, each with the check that nothing was lost.",
        subcommands: [BenchPublish.self, BenchWork.self, BenchLatency.self, BenchLedger.self, LedgerClientCommand.self])
}
