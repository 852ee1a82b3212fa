internal import FoundationEssentials
internal import Operations
internal import Postgres

/// What came of a run: states, money, failures, and what a person must decide.
struct Summary: Sendable {
    let client: PostgresClient

    /// - Throws: ``CommandFailure`` when a bucket says something else than its holds and its ledger.
    func print(_ ids: [UUID]) async throws {
        let tally = try await OrderTally.of(ids, in: client)
        show("Work orders", Self.table(tally.states, of: "STATE"))
        show("Budgets", Self.table(try await BudgetLine.current(in: client)))
        show("Failures", Self.table(tally.failures, of: "CLASS"))
        show("Escalations", Self.table(try await EscalationFilter().newest(20, in: client)))
        guard try await BudgetDifference.all(in: client).isEmpty else {
            throw CommandFailure("the books differ", next: "run `moose budget reconcile`")
        }
        Swift.print("The books balance: every bucket equals its holds and its ledger.")
    }

    private func show(_ title: String, _ table: Table) {
        let terminal = Terminal.standardOutput(environment: ProcessInfo.processInfo.environment)
        Swift.print("\n" + terminal.styled(title, .bold))
        Swift.print(table.isEmpty ? "  none" : table.text(for: terminal))
    }

    private static func table(_ counts: [OrderTally.Count], of title: String) -> Table {
        var table = Table([.init(title), .init("COUNT", .right)])
        for count in counts { table.add([Table.Cell(count.name), Table.Cell(NumberText.grouped(count.count))]) }
        return table
    }

    private static func table(_ budgets: [BudgetLine]) -> Table {
        var table = Table([.init("BUDGET"), .init("HELD", .right), .init("SETTLED", .right), .init("CAP", .right)])
        for budget in budgets {
            table.add([
                Table.Cell(budget.title), Table.Cell(MoneyText.dollars(budget.heldMicroUSD)),
                Table.Cell(MoneyText.dollars(budget.postedMicroUSD)),
                Table.Cell(budget.capMicroUSD.map(MoneyText.dollars) ?? "none"),
            ])
        }
        return table
    }

    private static func table(_ escalations: [Escalation]) -> Table {
        var table = Table([.init("COUNT", .right), .init("WHAT", isFlexible: true), .init("FIRST OPTION")])
        for escalation in escalations {
            table.add([
                Table.Cell(NumberText.grouped(escalation.count)),
                Table.Cell("\(escalation.failureClass): \(escalation.message.prefix { $0 != "\n" })"),
                Table.Cell(firstOption(of: escalation)),
            ])
        }
        return table
    }

    private static func firstOption(of escalation: Escalation) -> String {
        guard case .array(let options) = JSONValue.document(escalation.options),
            case .object(let fields)? = options.first, case .string(let title)? = fields["title"]
        else { return "" }
        return title
    }
}
