/// Names and values below each other, for one thing that is shown whole.
struct FactList: Sendable {
    private var facts: [(name: String, value: String, style: TextStyle?)] = []

    /// Adds a line; none for nil. The value may be anybody's text.
    mutating func add(_ name: String, _ value: String?, _ style: TextStyle? = nil) {
        guard let value else { return }
        facts.append((name, PrintableText.oneLine(value), style))
    }

    func text(for terminal: Terminal) -> String {
        let width = facts.map(\.name.count).max() ?? 0
        return facts.map { fact in
            let gap = String(repeating: " ", count: width - fact.name.count + 2)
            return "  \(fact.name)\(gap)\(terminal.styled(fact.value, fact.style))\n"
        }.joined()
    }
}
