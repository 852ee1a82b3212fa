/// A budget as a bar: what is spent, what is held for running work, and where the limits stand.
struct BudgetBar: Sendable {
    /// Settled cost, in millionths of a dollar.
    let spentMicroUSD: Int64
    /// Estimates of running work, in millionths of a dollar.
    let heldMicroUSD: Int64
    /// Beyond it people are warned; nil when there is none.
    let softMicroUSD: Int64?
    /// Beyond it only the cheapest handlers run; nil when there is none.
    let hardMicroUSD: Int64?
    /// Beyond it nothing is granted; nil when there is none.
    let killMicroUSD: Int64?
    /// Where nothing more is granted for a while instead; nil when the cap is not raised.
    var raisedMicroUSD: Int64?

    /// The marks in the bar: `┆ soft`, `│ hard`, `┃ kill`, `╋ raised`, or `: | ! +` where only ASCII can be shown.
    static func marks(for terminal: Terminal) -> (soft: String, hard: String, kill: String, raised: String) {
        terminal.hasUnicode ? ("┆", "│", "┃", "╋") : (":", "|", "!", "+")
    }

    /// The bar, `width` columns wide with its ends: `[███▒▒┆   │  ┃]`, or `[##== :   | !]` where only ASCII can be shown.
    func text(width: Int = 40, for terminal: Terminal) -> String {
        let inner = max(4, width - 2)
        let (full, held) = terminal.hasUnicode ? ("█", "▒") : ("#", "=")
        let marks = Self.marks(for: terminal)
        var cells = [String](repeating: " ", count: inner)
        let spent = column(spentMicroUSD, of: inner)
        let used = max(spent, column(saturatingUse, of: inner))
        for index in cells.indices where index < used { cells[index] = index < spent ? full : held }
        var styles = [TextStyle?](repeating: nil, count: inner)
        for index in cells.indices where index < used { styles[index] = style }
        for (limit, mark, markStyle) in [
            (softMicroUSD, marks.soft, TextStyle.yellow), (hardMicroUSD, marks.hard, .red),
            (killMicroUSD, marks.kill, .boldRed), (raisedMicroUSD, marks.raised, .cyan),
        ] {
            guard let limit else { continue }
            let index = min(inner - 1, column(limit, of: inner))
            cells[index] = mark
            styles[index] = markStyle
        }
        return "[\(joined(cells, styles, terminal))]"
    }

    /// Neighbours of one style share their escape codes.
    private func joined(_ cells: [String], _ styles: [TextStyle?], _ terminal: Terminal) -> String {
        var result = ""
        var start = 0
        for index in cells.indices where index + 1 == cells.count || styles[index + 1] != styles[start] {
            result += terminal.styled(cells[start...index].joined(), styles[start])
            start = index + 1
        }
        return result
    }

    /// The colour of what is used: green, yellow past the soft limit, red past the hard one, bold red at the cap.
    var style: TextStyle {
        let use = saturatingUse
        if let cap = raisedMicroUSD ?? killMicroUSD, use >= cap { return .boldRed }
        if let hardMicroUSD, use >= hardMicroUSD { return .red }
        if let softMicroUSD, use >= softMicroUSD { return .yellow }
        return .green
    }

    private var saturatingUse: Int64 {
        let (sum, overflows) = max(0, spentMicroUSD).addingReportingOverflow(max(0, heldMicroUSD))
        return overflows ? .max : sum
    }

    /// The amount that fills the bar: the outermost limit with a tenth of room behind it, or the use when it is more.
    private var scale: Double {
        let limit = [softMicroUSD, hardMicroUSD, killMicroUSD, raisedMicroUSD].compactMap { $0 }.max() ?? 0
        return max(Double(limit) * 1.1, Double(saturatingUse), 1)
    }

    private func column(_ amount: Int64, of width: Int) -> Int {
        let share = Double(max(0, amount)) / scale
        return min(width, Int((share * Double(width)).rounded(.down)))
    }
}
