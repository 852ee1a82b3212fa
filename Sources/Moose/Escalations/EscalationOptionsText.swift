internal import Operations

/// The ways out of an escalation, numbered for people. The Client Manager decides what an option holds; whatever it
/// is, nothing of it is left out.
enum EscalationOptionsText {
    private static let titleKeys = ["title", "label", "name", "action", "kind", "id"]

    static func text(_ options: JSONValue, for terminal: Terminal) throws -> String {
        guard case .array(let items) = options, !items.isEmpty else { return "  none\n" }
        return try items.enumerated().map { index, item in try text(item, number: index + 1, terminal) }.joined()
    }

    private static func text(_ option: JSONValue, number: Int, _ terminal: Terminal) throws -> String {
        guard case .object(var fields) = option else {
            return "  \(number). " + (try option.lines(indentation: "     ").drop { $0 == " " })
        }
        let titleKey = titleKeys.first { key in if case .string = fields[key] { true } else { false } }
        var title = "option"
        if let titleKey, case .string(let text) = fields.removeValue(forKey: titleKey) { title = text }
        let isRecommended = fields["recommended"] == .bool(true)
        var text = "  \(number). " + terminal.styled(PrintableText.oneLine(title), .bold)
        text += isRecommended ? " " + terminal.styled("(recommended)", .green) + "\n" : "\n"
        for (key, value) in fields.sorted(by: { $0.key < $1.key }) where key != "recommended" && value != .null {
            let shown = try value.lines(indentation: "     ").drop { $0 == " " }
            text += "     \(PrintableText.oneLine(key)): \(shown.isEmpty ? "\n" : String(shown))"
        }
        return text
    }
}
