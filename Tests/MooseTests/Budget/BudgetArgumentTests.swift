import ArgumentParser
import FoundationEssentials
import Operations
import Testing

@testable import Moose

struct BudgetArgumentTests {
    @Test(arguments: [
        ("90m", 5_400), ("2h", 7_200), ("3d", 259_200), ("1w", 604_800), ("1d12h", 129_600), ("1w2d3h4m", 788_640),
        ("366d", 31_622_400),
    ])
    func `a span counts weeks, days, hours and minutes`(text: String, seconds: Int) throws {
        #expect(try RaiseEnd.parse(text) == .after(.seconds(seconds)))
    }

    @Test(arguments: [
        "", "h", "2", "0h", "-2h", "2h2h", "12h1d", "2 h", "2s", "367d", "99999999999999999999h", "tomorrow",
        "2026-01-31", "2026-13-01T00:00:00Z", "٣d",
    ])
    func `what is no end is refused with examples`(text: String) {
        let failure = #expect(throws: CommandFailure.self) { try RaiseEnd.parse(text) }
        #expect(failure?.status == .usage)
        #expect(failure?.description.contains("2h") == true)
    }

    @Test func `a raise ends at an instant or with its window`() throws {
        #expect(
            try RaiseEnd.parse("2026-01-31T18:00:00+01:00")
                == .at(Date(timeIntervalSince1970: 1_769_878_800)))
        #expect(try RaiseEnd.parse("End of window") == .endOfWindow)
        #expect(try RaiseEnd.parse("window") == .endOfWindow)
    }

    @Test func `a hold is named by its id, its token and its number`() throws {
        let id = UUID()
        #expect(try HoldIdentifier(parsing: "\(id)") == HoldIdentifier(owner: id, token: nil, number: nil))
        let whole = try HoldIdentifier(parsing: "\(id)/3/1")
        #expect(whole == HoldIdentifier(owner: id, token: 3, number: 1))
        #expect(try HoldIdentifier(parsing: whole.description) == whole)
        for wrong in ["", "x", "\(id)/", "\(id)/x", "\(id)/1/", "\(id)/1/70000", "\(id)/1/2/3"] {
            let failure = #expect(throws: CommandFailure.self, "\(wrong)") { try HoldIdentifier(parsing: wrong) }
            #expect(failure?.status == .usage)
        }
    }

    @Test func `an amount is plain dollars, with or without their sign`() throws {
        #expect(try AmountArgument.parse("$12.5", for: "--usd") == 12_500_000)
        #expect(try AmountArgument.parse("0.0000001", for: "--usd") == 1)
        for wrong in ["", "$", "-1", "1e3", "1,000", "12 usd", "1000000001"] {
            let failure = #expect(throws: CommandFailure.self) { try AmountArgument.parse(wrong, for: "--usd") }
            #expect(failure?.what.contains("--usd") == true)
        }
    }

    @Test func `who acts is stated or the user of this machine`() throws {
        #expect(try Who.name(environment: ["MOOSE_WHO": "ana"]) == "ana")
        for environment in [[:], ["MOOSE_WHO": ""]] {
            let parts = try Who.name(environment: environment).split(separator: "@")
            #expect(parts.count == 2 && !parts[0].isEmpty)
        }
        #expect(throws: CommandFailure.self) {
            try Who.name(environment: ["MOOSE_WHO": String(repeating: "a", count: 201)])
        }
    }

    @Test func `a reason says something`() throws {
        #expect(try ReasonArgument.parse("  release night\n") == "release night")
        #expect(throws: CommandFailure.self) { try ReasonArgument.parse("  ") }
        #expect(throws: CommandFailure.self) { try ReasonArgument.parse(String(repeating: "a", count: 501)) }
    }

    @Test func `one budget has one scope and one period`() throws {
        let two = try BudgetScopeOptions.parse(["--project", "a", "--agent", "b"])
        #expect(throws: CommandFailure.self) { try two.one() }
        #expect(try two.named().map(\.title) == ["project a", "agent b"])
        #expect(try BudgetScopeOptions.parse([]).one() == .org)
        #expect(try BudgetScopeOptions.parse(["--model", "m"]).one() == BudgetScope(kind: .model, name: "m"))
        #expect(throws: CommandFailure.self) { try BudgetScopeOptions.parse(["--handler", ""]).one() }

        #expect(throws: CommandFailure.self) { try BudgetPeriodOptions.parse([]).one() }
        #expect(throws: CommandFailure.self) { try BudgetPeriodOptions.parse(["--day", "1", "--total"]).one() }
        let total = try BudgetPeriodOptions.parse(["--total", "7"]).one()
        #expect(total.period == .total && total.amount == "7")
        #expect(try BudgetPeriodOptions.parse(["--month"]).one().amount == nil)
    }

    @Test func `limits rise and only the org must have a cap`() {
        let project = BudgetScope(kind: .project, name: "shop")
        #expect(BudgetLimits(soft: 1, hard: 1, kill: 1).flaw(for: .org) == nil)
        #expect(BudgetLimits(soft: 2, hard: nil, kill: 1).flaw(for: project)?.contains("below the soft") == true)
        #expect(BudgetLimits(soft: nil, hard: 2, kill: 1).flaw(for: project)?.contains("below the hard") == true)
        #expect(BudgetLimits(soft: 1).flaw(for: .org) != nil)
        #expect(BudgetLimits(soft: 1).flaw(for: project) == nil)
    }

    @Test(arguments: [
        ["--holds-days", "39"], ["--ledger-days", "39"], ["--holds-days", "100", "--ledger-days", "99"],
    ])
    func `retention keeps what a running month and a correction need`(arguments: [String]) throws {
        let prune = try BudgetPrune.parse(arguments)
        #expect(throws: CommandFailure.self) { try prune.wanted() }
    }
}
