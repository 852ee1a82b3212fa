internal import ArgumentParser

/// `moose bench`.
struct BenchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench",
        abstract: "Measure this machine, beside a reference in the same run and with the check that nothing was lost.",
        subcommands: [BenchPublish.self, BenchWork.self, BenchLedger.self, LedgerClientCommand.self])
}
