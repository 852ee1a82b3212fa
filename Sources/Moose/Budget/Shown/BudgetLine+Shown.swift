internal import FoundationEssentials
internal import Operations

extension BudgetLine {
    /// `org, day` or `project shop, month`, on one line.
    var title: String { PrintableText.oneLine("\(BudgetScope.title(scope, name)), \(period)") }

    var bar: BudgetBar {
        BudgetBar(
            spentMicroUSD: postedMicroUSD, heldMicroUSD: heldMicroUSD, softMicroUSD: limits.soft,
            hardMicroUSD: limits.hard, killMicroUSD: limits.kill, raisedMicroUSD: raisedMicroUSD)
    }

    /// `$1.20 spent, $0.30 held of $100.00`.
    var use: String {
        "\(MoneyText.dollars(postedMicroUSD)) spent, \(MoneyText.dollars(heldMicroUSD)) held"
            + (capMicroUSD.map { " of \(MoneyText.dollars($0))" } ?? "")
    }

    /// What a reservation meets here now, where that is not the usual: a few words and how they stand out.
    var mode: (text: String, style: TextStyle)? {
        if freeze != nil { return ("FROZEN", .boldRed) }
        guard let capMicroUSD else { return ("only tracked", .dim) }
        let use = heldMicroUSD + postedMicroUSD
        if postedMicroUSD >= capMicroUSD { return ("spent: nothing more is granted", .boldRed) }
        if use >= capMicroUSD { return ("all on hold: work waits for running work", .boldRed) }
        if let hard = limits.hard, use >= hard { return ("economy: the cheapest handlers only", .red) }
        if let soft = limits.soft, use >= soft { return ("past soft", .yellow) }
        return nil
    }

    /// `burns $4.10 an hour; the cap is reached in 15h34m, 2026-01-31 04:10`; nil when there is nothing to tell.
    func burn(at now: Date) -> String? {
        guard let hourlyMicroUSD else { return nil }
        guard hourlyMicroUSD > 0 else { return "nothing spent in the last hour" }
        // Whole cents, unless that is nothing.
        let shown = hourlyMicroUSD < 10_000 ? hourlyMicroUSD : (hourlyMicroUSD + 5_000) / 10_000 * 10_000
        let rate = "burns \(MoneyText.dollars(shown)) an hour"
        guard capMicroUSD != nil else { return rate }
        guard let emptyAt else { return rate + "; the cap is not reached in this window" }
        let left = emptyAt.timeIntervalSince(now)
        guard left > 0 else { return rate + "; the cap is reached" }
        return rate + "; the cap is reached in \(TimeText.remaining(seconds: left))"
            + (local.emptyAt.map { ", \($0)" } ?? "")
    }
}
