internal import FoundationEssentials
internal import Operations

/// The result of a measurement, for people and for programs.
protocol BenchOutcome: Sendable {
    var checks: [BenchCheck] { get }
    var json: JSONValue { get }

    func text(for terminal: Terminal) -> String
}

extension BenchOutcome {
    /// Prints the figures.
    /// - Throws: ``CommandFailure`` with what differs, when a check failed.
    func finish(json isJSON: Bool) throws {
        if isJSON {
            print(try JSONOutput.text(json), terminator: "")
        } else {
            print(text(for: .standardOutput(environment: ProcessInfo.processInfo.environment)), terminator: "")
        }
        let failed = checks.filter { !$0.passes }
        guard failed.isEmpty else {
            throw CommandFailure(
                "the figures don't count: " + failed.map(\.description).joined(separator: "; "))
        }
    }

    /// One line a check, over all rounds.
    var checksTable: Table {
        var table = Table([
            .init("CHECK", isFlexible: true), .init("EXPECTED", .right), .init("FOUND", .right), .init("RESULT"),
        ])
        var names: [String] = []
        for check in checks where !names.contains(check.name) { names.append(check.name) }
        for name in names {
            let rounds = checks.filter { $0.name == name }
            // The worst round stands for all of them.
            guard let shown = rounds.first(where: { !$0.passes }) ?? rounds.last else { continue }
            table.add([
                Table.Cell(name), Table.Cell(NumberText.grouped(shown.expected)),
                Table.Cell(NumberText.grouped(shown.found)),
                shown.passes ? Table.Cell("ok, \(rounds.count) times") : Table.Cell("DIFFERS in round \(shown.round)"),
            ])
        }
        return table
    }
}
