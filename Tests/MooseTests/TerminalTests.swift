import Operations
import Testing

@testable import Moose

@Suite struct TerminalTests {
    private let wide = Terminal(isTTY: true, width: 100, hasColour: false)
    private let pipe = Terminal(isTTY: false)

    @Test func `colours need a terminal and nobody who forbids them`() {
        #expect(Terminal(isTTY: true).styled("x", .red) == "\u{1B}[31mx\u{1B}[0m")
        #expect(pipe.styled("x", .red) == "x")
        #expect(!Terminal.wantsColour(["NO_COLOR": "1"]))
        #expect(Terminal.wantsColour(["NO_COLOR": ""]))
        #expect(!Terminal.wantsColour(["TERM": "dumb"]))
    }

    @Test func `the first locale variable that is set decides on Unicode`() {
        #expect(Terminal.speaksUnicode(["LANG": "en_US.UTF-8"]))
        #expect(Terminal.speaksUnicode(["LC_ALL": "", "LC_CTYPE": "C.utf8", "LANG": "C"]))
        #expect(!Terminal.speaksUnicode(["LC_ALL": "C", "LANG": "en_US.UTF-8"]))
        #expect(!Terminal.speaksUnicode([:]))
    }

    @Test func `a failure says what, why and what to do next`() {
        let failure = CommandFailure(
            "can't reach the broker",
            why: "connection refused",
            next: "Start it with `moose up`",
            status: .unreachable
        )
        #expect(failure.description == "moose: can't reach the broker. connection refused. Start it with `moose up`.")
        #expect(CommandFailure("Really?").description == "moose: Really?")
        #expect(failure.status.rawValue == 3)
    }

    @Test(arguments: [
        (0, "$0.00"), (1_234_500, "$1.2345"), (5_000_000, "$5.00"), (1, "$0.000001"), (-50_000, "-$0.05"),
        (Int64.max, "$9223372036854.775807"), (Int64.min, "-$9223372036854.775808"),
    ])
    func `money is exact`(amount: Int64, expected: String) {
        #expect(MoneyText.dollars(amount) == expected)
    }

    @Test(arguments: [
        (0.4, "now"), (45, "45s ago"), (190, "3m ago"), (7_300, "2h ago"), (200_000, "2d ago"), (-90, "in 1m"),
        (.infinity, "never"), (.nan, "never"), (1e300, "36500d ago"),
    ])
    func `time is told relative to now`(seconds: Double, expected: String) {
        #expect(TimeText.relative(secondsAgo: seconds) == expected)
    }

    @Test(arguments: [(0, "0"), (999, "999"), (1_000, "1,000"), (-1_234_567, "-1,234,567")])
    func `long numbers are grouped`(number: Int, expected: String) {
        #expect(NumberText.grouped(number) == expected)
    }

    @Test func `JSON is the same every time and an empty list is a list`() throws {
        #expect(try JSONOutput.text(["b": 1, "a": 2]) == "{\n  \"a\" : 2,\n  \"b\" : 1\n}\n")
        #expect(try JSONOutput.text(list: [String]()) == "[]\n")
        #expect(try JSONOutput.line(["a/b"]) == "[\"a/b\"]\n")
    }
}

@Suite struct TableTests {
    private func table() -> Table {
        var table = Table([.init("ID"), .init("COST", .right), .init("ERROR", isFlexible: true)])
        table.add(["a1", "$0.05", "the service answered with an unreadable page"])
        table.add(["long-id", Table.Cell("$12.00", .red)])
        return table
    }

    @Test func `a pipe gets every letter, aligned, without colours or tabs`() {
        let text = table().text(for: Terminal(isTTY: false, width: 20))
        #expect(
            text == """
                ID         COST  ERROR
                a1        $0.05  the service answered with an unreadable page
                long-id  $12.00

                """
        )
    }

    @Test func `a narrow terminal cuts the flexible column and no other`() {
        let terminal = Terminal(isTTY: true, width: 30, hasColour: false)
        let lines = table().text(for: terminal).split(separator: "\n")
        #expect(lines[1] == "a1        $0.05  the service…")
        #expect(lines.allSatisfy { PrintableText.columns(String($0)) <= 30 })
    }

    @Test func `a cell can't steer the terminal or break its row`() {
        var table = Table([.init("NAME")])
        table.add([Table.Cell("a\u{1B}[2J\nb\u{202E}c\t")])
        #expect(table.text(for: Terminal(isTTY: true)).split(separator: "\n").last == "a [2J b c")
    }

    @Test func `wide letters take two columns`() {
        #expect(PrintableText.columns("日本") == 4)
        #expect(PrintableText.columns("e\u{301}") == 1)
        #expect(PrintableText.truncated("日本語", to: 5) == "日本…")
        #expect(PrintableText.truncated("abc", to: 3) == "abc")
        #expect(PrintableText.truncated("abc", to: 0) == "")
    }

    @Test func `rows of any length and tables without columns are survived`() {
        var table = Table([.init("A")])
        table.add([])
        table.add(["1", "2", "3"])
        #expect(table.text(for: Terminal(isTTY: true)).split(separator: "\n").last == "1")
        #expect(Table([]).text(for: Terminal(isTTY: true)) == "\n")
    }
}

@Suite struct ProgressBarTests {
    @Test func `a terminal redraws one line, at most ten times a second`() throws {
        var bar = ProgressBar(title: "publish", total: 1_000, terminal: Terminal(isTTY: true, width: 100))
        let drawn = bar.update(done: 0, elapsed: .zero)
        let first = try #require(drawn)
        #expect(first.hasPrefix("\r") && first.hasSuffix("\u{1B}[K"))
        #expect(bar.update(done: 1, elapsed: .milliseconds(50)) == nil)
        let redrawn = bar.update(done: 500, elapsed: .seconds(2))
        let half = try #require(redrawn)
        #expect(half.contains("500/1,000  50%  250/s  2s left"))
        #expect(half.contains("█") && half.contains("░"))
        #expect(bar.finish(done: 1_000, elapsed: .seconds(4)).hasSuffix("1,000/1,000  100%  250/s  in 4s\u{1B}[K\n"))
    }

    @Test func `a pipe gets a plain line every few seconds and the end`() {
        var bar = ProgressBar(title: "publish", total: nil, terminal: Terminal(isTTY: false))
        #expect(bar.update(done: 0, elapsed: .zero) == nil)
        #expect(bar.update(done: 10, elapsed: .seconds(4)) == nil)
        #expect(bar.update(done: 50, elapsed: .seconds(5)) == "publish  50  10/s  5s\n")
        #expect(bar.update(done: 60, elapsed: .seconds(6)) == nil)
        #expect(bar.finish(done: 60, elapsed: .seconds(6)) == "publish  60  10/s  6s\n")
    }

    @Test func `odd numbers draw something`() {
        var bar = ProgressBar(title: "x", total: 10, terminal: Terminal(isTTY: true, width: 20, hasUnicode: false))
        #expect(bar.update(done: 99, elapsed: .zero) != nil)
        #expect(bar.update(done: Int.max, elapsed: .seconds(1)) != nil)
        #expect(
            ProgressBar(title: "x", total: 0, terminal: Terminal(isTTY: true)).finish(done: 0, elapsed: .zero) != ""
        )
    }
}

@Suite struct BudgetBarTests {
    private func bar(spent: Int64, held: Int64 = 0) -> BudgetBar {
        BudgetBar(
            spentMicroUSD: spent,
            heldMicroUSD: held,
            softMicroUSD: 5_000_000,
            hardMicroUSD: 8_000_000,
            killMicroUSD: 10_000_000
        )
    }

    @Test func `the bar shows what is spent, what is held and the three limits`() {
        let ascii = Terminal(isTTY: true, hasColour: false, hasUnicode: false)
        #expect(bar(spent: 2_000_000, held: 1_000_000).text(width: 24, for: ascii) == "[####==    :     |   ! ]")
        let unicode = Terminal(isTTY: true, hasColour: false)
        #expect(bar(spent: 2_000_000).text(width: 24, for: unicode) == "[████      ┆     │   ┃ ]")
    }

    @Test func `the colour follows the limit that was passed, held money included`() {
        #expect(bar(spent: 4_999_999).style == .green)
        #expect(bar(spent: 4_999_999, held: 1).style == .yellow)
        #expect(bar(spent: 8_000_000).style == .red)
        #expect(bar(spent: 10_000_000).style == .boldRed)
    }

    @Test func `a bar far over its limits keeps its width`() {
        let ascii = Terminal(isTTY: true, hasColour: false, hasUnicode: false)
        let full = bar(spent: .max, held: .max).text(width: 24, for: ascii)
        #expect(full.count == 24)
        let none = BudgetBar(
            spentMicroUSD: 0,
            heldMicroUSD: -5,
            softMicroUSD: nil,
            hardMicroUSD: nil,
            killMicroUSD: nil
        )
        #expect(none.text(width: 0, for: ascii) == "[    ]")
    }
}
