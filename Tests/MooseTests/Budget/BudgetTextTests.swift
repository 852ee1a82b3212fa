import FoundationEssentials
import Testing

@testable import Moose
@testable import Operations

struct BudgetTextTests {
    private let ascii = BudgetDesk.ascii
    private let now = Date(timeIntervalSince1970: 1_769_860_800)

    private func line(
        posted: Int64 = 0, held: Int64 = 0, cap: Int64? = 100_000_000, raised: Int64? = nil, exempt: Int64 = 0,
        hourly: Int64? = nil, emptyIn: Double? = nil, freeze: BudgetFreezeState? = nil
    ) -> BudgetLine {
        BudgetLine(
            scope: "project", name: "shop", period: "day", timeZone: "Europe/Berlin",
            limits: BudgetLimits(soft: 20_000_000, hard: 50_000_000, kill: cap == nil ? nil : 100_000_000),
            capMicroUSD: raised ?? cap, raisedMicroUSD: raised,
            raisedUntil: raised == nil ? nil : now.addingTimeInterval(7_200), windowStart: now,
            windowEnd: now.addingTimeInterval(36_000), heldMicroUSD: held, postedMicroUSD: posted,
            exemptMicroUSD: exempt, hourlyMicroUSD: hourly, emptyAt: emptyIn.map(now.addingTimeInterval),
            local: .init(
                windowEnd: "2026-02-01 00:00", raisedUntil: "2026-01-31 16:00",
                emptyAt: emptyIn == nil ? nil : "2026-01-31 15:00"),
            freeze: freeze)
    }

    @Test func `a quiet budget is five lines`() {
        #expect(
            BudgetShow.text(line(posted: 10_000_000, held: 5_000_000), at: now, on: ascii) == """
                project shop, day
                  [#####==   :               |                         !     ]
                  $10.00 spent, $5.00 held of $100.00, $85.00 free
                  : soft $20.00  | hard $50.00  ! kill $100.00
                  starts anew in 10h00m, 2026-02-01 00:00 Europe/Berlin

                """)
    }

    @Test func `a raised, burning, frozen budget with exempt use says all of it`() {
        let freeze = BudgetFreezeState(since: now.addingTimeInterval(-180), who: "ana@desk", reason: "a\u{1B}[2Jloop")
        let text = BudgetShow.text(
            line(
                posted: 60_000_000, raised: 150_000_000, exempt: 3_200_000, hourly: 30_004_000, emptyIn: 3_600,
                freeze: freeze), at: now, on: ascii)
        #expect(
            text == """
                project shop, day  FROZEN
                  [#######:#########|###              !                +     ]
                  $60.00 spent, $0.00 held of $150.00, $90.00 free
                  : soft $20.00  | hard $50.00  ! kill $100.00  + raised $150.00
                  the raise ends in 2h00m, 2026-01-31 16:00
                  exempt agents used $3.20 besides
                  burns $30.00 an hour; the cap is reached in 1h00m, 2026-01-31 15:00
                  starts anew in 10h00m, 2026-02-01 00:00 Europe/Berlin
                  frozen 3m ago by ana@desk: a [2Jloop

                """)
        #expect(text.split(separator: "\n").allSatisfy { $0.count <= 80 })
    }

    @Test func `the mode follows the limits, and what is only on hold is told apart`() {
        #expect(line(posted: 19_999_999).mode == nil)
        #expect(line(posted: 10_000_000, held: 10_000_000).mode?.text == "past soft")
        #expect(line(posted: 50_000_000).mode?.text.hasPrefix("economy") == true)
        #expect(line(posted: 99_000_000, held: 1_000_000).mode?.text.hasPrefix("all on hold") == true)
        #expect(line(posted: 100_000_000).mode?.text.hasPrefix("spent") == true)
        #expect(line(posted: 100_000_000, raised: 150_000_000).mode?.text.hasPrefix("economy") == true)
        #expect(line(cap: nil).mode?.text == "only tracked")
    }

    @Test func `the burn rate is told only as far as it is known`() {
        #expect(line().burn(at: now) == nil)
        #expect(line(hourly: 0).burn(at: now) == "nothing spent in the last hour")
        #expect(line(hourly: 1_000_000).burn(at: now)?.hasSuffix("not reached in this window") == true)
        #expect(line(hourly: 123).burn(at: now)?.hasPrefix("burns $0.000123 an hour") == true)
        #expect(line(hourly: 1_000_000, emptyIn: 0).burn(at: now)?.hasSuffix("the cap is reached") == true)
    }

    private func change(_ action: String, _ before: JSONValue, _ after: JSONValue) -> String {
        BudgetChange(
            at: now, who: "ana", action: action, subject: "org org", before: before, after: after, reason: "r"
        ).text(arrow: "->")
    }

    @Test func `a change tells before and after of what changed and nothing else`() {
        let old: JSONValue = [
            "id": .integer(1), "period": .string("day"), "kill_u": .integer(100_000_000), "raised_u": .null,
            "time_zone": .string("UTC"), "soft_u": .integer(20_000_000), "updated_at": .string("a"),
        ]
        let new: JSONValue = [
            "id": .integer(1), "period": .string("day"), "kill_u": .integer(120_000_000),
            "raised_u": .integer(150_000_000), "raised_until": .string("2026-01-31T12:00:00+00:00"),
            "time_zone": .string("Europe/Berlin"), "soft_u": .null, "updated_at": .string("b"),
        ]
        #expect(
            change("budget update", old, new)
                == "soft $20.00 -> none, kill $100.00 -> $120.00, raised none -> $150.00, "
                + "raised until none -> 2026-01-31 12:00:00.000Z, time zone UTC -> Europe/Berlin")
        #expect(change("budget insert", .null, old) == "created: soft $20.00, kill $100.00, time zone UTC")
        #expect(change("freeze delete", old, .null) == "no longer frozen")
        #expect(
            change("budget insert", .null, ["period": .string("total"), "time_zone": .string("UTC")])
                == "created, only tracks")
        #expect(
            change("hold correct", ["posted_u": .integer(1_000_000)], ["posted_u": .integer(400_000)])
                == "cost $1.00 -> $0.40")
        #expect(change("something new", .null, .null) == "something new")
    }

    @Test func `the hardest budget answers for the whole reservation`() {
        func budget(_ answer: String) -> BudgetSimulation {
            BudgetSimulation(
                scope: "org", name: "org", period: "day", isExempt: false, used: 0, cap: nil, answer: answer)
        }
        #expect(BudgetSimulation.overall([budget("soft"), budget("normal")]) == "soft")
        #expect(BudgetSimulation.overall([budget("held_retry"), budget("economy")]) == "held_retry")
        #expect(BudgetSimulation.overall([budget("never_fits"), budget("frozen")]) == "never_fits")
        #expect(!BudgetSimulation.isRefusal("economy"))
        #expect(BudgetSimulation.isRefusal("held_retry") && BudgetSimulation.isRefusal("what a later version says"))
    }

    @Test func `a raised cap has a mark of its own and moves the red`() {
        var bar = BudgetBar(
            spentMicroUSD: 11_000_000, heldMicroUSD: 0, softMicroUSD: nil, hardMicroUSD: nil,
            killMicroUSD: 10_000_000)
        #expect(bar.style == .boldRed)
        bar.raisedMicroUSD = 20_000_000
        #expect(bar.style == .green)
        #expect(bar.text(width: 24, for: ascii) == "[##########!         + ]")
        bar.raisedMicroUSD = 11_000_000
        #expect(bar.style == .boldRed)
    }

    @Test func `colours change only where the style does`() {
        let bar = BudgetBar(
            spentMicroUSD: 5, heldMicroUSD: 0, softMicroUSD: nil, hardMicroUSD: nil, killMicroUSD: 10)
        let colours = bar.text(width: 13, for: Terminal(isTTY: true, hasColour: true, hasUnicode: false))
        #expect(colours == "[\u{1B}[32m#####\u{1B}[0m     \u{1B}[1;31m!\u{1B}[0m]")
    }
}
