import ArgumentParser
import FoundationEssentials
import Operations
import Postgres
import TestSupport
import Testing

@testable import Moose

/// The caps of a new database: $100 a day, $600 a month.
struct BudgetControlTests {
    @Test func `each of the five scopes gets a budget that stops its own work only`() async throws {
        try await BudgetDesk.open { desk in
            for kind in [BudgetScope.Kind.project, .agent, .handler, .model] {
                try await desk.run(BudgetSet.self, "--\(kind.rawValue)", "x", "--day", "1")
                let metadata = kind == .handler ? "{}" : #"{"\#(kind.rawValue)": "x"}"#
                let handler = kind == .handler ? "x" : "work"
                #expect(try await desk.reserve("1.01", metadata: metadata, handler: handler) == nil, "\(kind)")
                #expect(try await desk.reserve("1", metadata: metadata, handler: handler) != nil, "\(kind)")
                #expect(try await desk.line(BudgetScope(kind: kind, name: "x")).heldMicroUSD == 1_000_000)
            }
            #expect(try await desk.reserve("2") != nil)
            try await desk.run(BudgetSet.self, "--day", "7", "--soft", "1", "--hard", "2")
            #expect(try await desk.line().capMicroUSD == 7_000_000)
            #expect(try await desk.line().heldMicroUSD == 6_000_000)
        }
    }

    @Test func `setting a limit keeps the others and says who, what and why`() async throws {
        try await BudgetDesk.open { desk in
            let set = try await desk.run(BudgetSet.self, "--day", "120", "--soft", "none", "--reason", "growth")
            #expect(set.text.hasPrefix("org, day: soft none, hard $50.00, kill $120.00; UTC.\nIt was: soft $20.00"))
            let change = try #require(try await desk.changes().first)
            #expect(change.reason == "growth")
            #expect(try change.who == Who.name())
            #expect(change.title == "org, day")
            #expect(change.text(arrow: "->") == "soft $20.00 -> none, kill $100.00 -> $120.00")
            // The same again is no change, and no entry.
            let same = try await desk.run(BudgetSet.self, "--day", "120")
            #expect(same.text.hasSuffix("It was so before.\n"))
            #expect(try await desk.changes().count == 1)
            try await desk.run(BudgetSet.self, "--day", "--hard", "60")
            #expect(try await desk.changes().first?.reason == nil, "a reason must not outlive its transaction")
        }
    }

    @Test func `limits that don't rise are refused and leave all as it was`() async throws {
        try await BudgetDesk.open { desk async throws in
            let low = await desk.failure(BudgetSet.self, "--day", "10")
            #expect(low?.status == .refused && low?.why?.contains("below the hard") == true)
            let open = await desk.failure(BudgetSet.self, "--month", "none")
            #expect(open?.status == .refused && open?.why?.contains("org needs") == true)
            #expect(try await desk.changes().isEmpty)
            #expect(try await desk.line().capMicroUSD == 100_000_000)
        }
    }

    @Test func `only a time zone the database lists is taken, and the window that starts is told`() async throws {
        try await BudgetDesk.open { desk in
            _ = try await desk.spend("30")
            for wrong in ["Germany/Berlin", "UTC+2", "Foo5", "", "'; DROP SCHEMA moose"] {
                let failure = await desk.failure(BudgetSet.self, "--day", "--time-zone", wrong)
                #expect(failure?.status == .usage, "\(wrong)")
            }
            let similar = await desk.failure(BudgetSet.self, "--day", "--time-zone", "Germany/Berlin")
            #expect(similar?.why?.contains("Europe/Berlin") == true)
            // Its day begins at 10:00 UTC or 11:15 UTC of other places: never with that of UTC.
            let set = try await desk.run(BudgetSet.self, "--day", "--time-zone", "pacific/marquesas")
            #expect(set.text.contains("; Pacific/Marquesas.\n"))
            #expect(set.text.contains("UTC ends here; its $30.00 stay counted in it."))
            #expect(set.text.contains("Pacific/Marquesas runs instead, with $0.00 used so far."))
            let line = try await desk.line()
            #expect(line.postedMicroUSD == 0 && line.local.windowEnd?.hasSuffix(" 00:00") == true)
            // The same instants under another name are the same window.
            try await desk.run(BudgetSet.self, "--day", "--time-zone", "UTC")
            let same = try await desk.run(BudgetSet.self, "--day", "--time-zone", "Etc/UTC")
            #expect(!same.text.contains("ends here"))
            #expect(try await desk.line().postedMicroUSD == 30_000_000)
            #expect(await desk.failure(BudgetSet.self, "--total", "--time-zone", "UTC")?.status == .usage)
        }
    }

    @Test func `a raise lets more through until its end and can be taken back`() async throws {
        try await BudgetDesk.open { desk in
            _ = try await desk.spend("90")
            #expect(try await desk.reserve("20") == nil)
            let first = try await desk.run(BudgetRaise.self, "--day", "150", "--until", "2h", "--reason", "night")
            #expect(first.text.hasPrefix("org, day: the cap is $150.00 instead of $100.00 until "))
            let held = try #require(try await desk.reserve("20"))
            let left = try #require(try await desk.line().raisedUntil).timeIntervalSinceNow
            #expect(left > 7_000 && left <= 7_200)
            let change = try #require(try await desk.changes().first)
            #expect(change.text(arrow: "->").hasPrefix("raised none -> $150.00, raised until none -> 20"))
            #expect(change.reason == "night")
            #expect(try change.who == Who.name())

            let second = try await desk.run(
                BudgetRaise.self, "--day", "130", "--until", "end of window", "--reason", "less")
            #expect(second.text.contains("replaces the raise to $150.00"))
            let line = try await desk.line()
            #expect(line.raisedUntil == line.windowEnd)
            try await desk.run(BudgetRaise.self, "--day", "--off", "--reason", "done")
            #expect(try await desk.reserve("1") == nil)
            #expect(try await desk.changes().first?.text(arrow: "->").hasPrefix("raised $130.00 -> none") == true)
            try await desk.settle(held, "20")
        }
    }

    @Test func `a raise that makes no sense is refused with a next step`() async throws {
        try await BudgetDesk.open { desk in
            func failure(_ arguments: String...) async -> CommandFailure? {
                do {
                    let command = try #require(
                        try BudgetRaise.parseAsRoot(arguments + ["--reason", "r"]) as? BudgetRaise)
                    _ = try await command.answer(
                        to: try command.wanted(), from: desk.database, on: BudgetDesk.ascii)
                    return nil
                } catch {
                    return CommandFailure(reporting: error)
                }
            }
            #expect(await failure("--day", "100", "--until", "2h")?.what.contains("$100.00 already") == true)
            let past = await failure("--day", "150", "--until", "2020-01-01T00:00:00Z")
            #expect(past?.status == .usage && past?.what.contains("2020-01-01 00:00 UTC") == true)
            #expect(await failure("--project", "x", "--day", "5", "--until", "2h")?.status == .refused)
            #expect(await failure("--day", "--until", "2h")?.what == "the amount is missing")
            #expect(await failure("--day", "150")?.what == "the end of the raise is missing")
            #expect(await failure("--day", "150", "--off")?.status == .usage)
            #expect(await failure("--day", "--off")?.what.contains("not raised") == true)
            try await desk.run(BudgetSet.self, "--project", "x", "--total", "5")
            #expect(
                await failure("--project", "x", "--total", "9", "--until", "window")?.what.contains("never ends")
                    == true)
            #expect(try await desk.changes().count == 1)
        }
    }

    @Test func `a frozen scope is granted nothing until it is unfrozen`() async throws {
        try await BudgetDesk.open { desk in
            let metadata = #"{"agent": "crawler"}"#
            let frozen = try await desk.run(BudgetFreeze.self, "--agent", "crawler", "--reason", "it loops")
            #expect(frozen.text.contains("check the spelling"), "there was no budget of that name")
            #expect(try await desk.reserve("1", metadata: metadata) == nil)
            #expect(try await desk.reserve("0", metadata: metadata) != nil, "free work passes")
            let other = try #require(try await desk.reserve("1"))
            try await desk.settle(other, "1")
            let again = try await desk.run(BudgetFreeze.self, "--agent", "crawler", "--reason", "me too")
            #expect(again.text.contains("frozen already") && again.text.contains("it loops"))
            #expect(try await desk.run(BudgetShow.self).text.contains("agent crawler, total  FROZEN"))

            try await desk.run(BudgetUnfreeze.self, "--agent", "crawler", "--reason", "fixed")
            #expect(try await desk.reserve("1", metadata: metadata) != nil)
            let typo = await desk.failure(BudgetUnfreeze.self, "--agent", "crawlr", "--reason", "fixed")
            #expect(typo?.status == .refused)
            let changes = try await desk.changes()
            #expect(changes.map(\.action) == ["freeze delete", "freeze insert", "budget insert"])
            #expect(changes.map(\.reason) == ["fixed", "it loops", "it loops"])
            #expect(try Set(changes.map(\.who)) == [Who.name()])
        }
    }

    @Test func `exempt agents are tracked apart and listed`() async throws {
        try await BudgetDesk.open { desk in
            try await desk.run(BudgetExemptAdd.self, "planner", "--reason", "rare")
            #expect(try await desk.run(BudgetExemptAdd.self, "planner").text.contains("already"))
            #expect(try await desk.run(BudgetExemptList.self).text == "architect\nplanner\n")
            _ = try await desk.spend("3", metadata: #"{"agent": "planner"}"#)
            #expect(try await desk.line().exemptMicroUSD == 3_000_000)
            #expect(try await desk.line().postedMicroUSD == 0)
            #expect(try await desk.line(.org, "month").postedMicroUSD == 3_000_000)
            #expect(try await desk.run(BudgetShow.self).text.contains("exempt agents used $3.00 besides"))
            try await desk.run(BudgetExemptRemove.self, "planner", "--reason", "frequent")
            #expect(await desk.failure(BudgetExemptRemove.self, "planner")?.status == .refused)
            let changes = try await desk.changes()
            #expect(changes.map(\.action) == ["exemption delete", "exemption insert"])
            #expect(changes.map(\.reason) == ["frequent", "rare"])
        }
    }
}
