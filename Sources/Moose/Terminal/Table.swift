/// Rows under column titles: fitted to the width of a terminal, complete and aligned in a pipe.
struct Table: Sendable {
    /// On which side of its column a cell stands.
    enum Alignment: Sendable {
        case left, right
    }

    /// One column.
    struct Column: Sendable {
        /// The heading.
        let title: String
        /// Default left; numbers read better right.
        let alignment: Alignment
        /// Whether the column gives way when a terminal is too narrow. Default false.
        let isFlexible: Bool

        init(_ title: String, _ alignment: Alignment = .left, isFlexible: Bool = false) {
            self.title = title
            self.alignment = alignment
            self.isFlexible = isFlexible
        }
    }

    /// One cell: a text and how it stands out.
    struct Cell: Sendable, ExpressibleByStringInterpolation {
        let text: String
        let style: TextStyle?

        init(_ text: String, _ style: TextStyle? = nil) {
            self.text = PrintableText.oneLine(text)
            self.style = style
        }

        init(stringLiteral value: String) {
            self.init(value)
        }
    }

    /// Two blanks between columns.
    private static let gap = 2
    /// A column never shrinks below this, title apart.
    private static let narrowest = 6

    private let columns: [Column]
    private var rows: [[Cell]] = []

    init(_ columns: [Column]) {
        self.columns = columns
    }

    /// Whether no row was added.
    var isEmpty: Bool { rows.isEmpty }

    /// Adds a row; missing cells are empty, surplus ones left out.
    mutating func add(_ cells: [Cell]) {
        rows.append(columns.indices.map { $0 < cells.count ? cells[$0] : Cell("") })
    }

    /// The table as lines, each with its line break.
    func text(for terminal: Terminal) -> String {
        let widths = widths(for: terminal)
        let titles = columns.map { Cell($0.title, .bold) }
        return ([titles] + rows).map { line($0, widths, terminal) + "\n" }.joined()
    }

    private func line(_ cells: [Cell], _ widths: [Int], _ terminal: Terminal) -> String {
        var result = ""
        for (index, cell) in cells.enumerated() {
            let width = widths[index]
            let isLast = index == cells.count - 1
            let text = PrintableText.truncated(cell.text, to: width, ellipsis: terminal.hasUnicode ? "…" : "~")
            let padding = String(repeating: " ", count: max(0, width - PrintableText.columns(text)))
            let shown = terminal.styled(text, text.isEmpty ? nil : cell.style)
            switch columns[index].alignment {
            case .right: result += padding + shown
            case .left: result += isLast ? shown : shown + padding
            }
            if !isLast { result += String(repeating: " ", count: Self.gap) }
        }
        while result.last == " " { result.removeLast() }
        return result
    }

    /// The width of each column: what it needs, less, on a narrow terminal, what the flexible columns can give: the
    /// widest of them first. Without a flexible column the last one gives.
    private func widths(for terminal: Terminal) -> [Int] {
        var widths = columns.indices.map { index in
            ([columns[index].title] + rows.map { $0[index].text }).map(PrintableText.columns).max() ?? 0
        }
        guard terminal.isTTY, !columns.isEmpty else { return widths }
        var surplus = widths.reduce(0, +) + Self.gap * (columns.count - 1) - terminal.width
        var givers = columns.indices.filter { columns[$0].isFlexible }
        if givers.isEmpty { givers = [columns.count - 1] }
        let floors = columns.map { max(Self.narrowest, PrintableText.columns($0.title)) }
        while surplus > 0 {
            let able = givers.filter { widths[$0] > floors[$0] }
            guard let widest = able.max(by: { widths[$0] < widths[$1] }) else { break }
            widths[widest] -= 1
            surplus -= 1
        }
        return widths
    }
}
