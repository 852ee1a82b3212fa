/// The one rule for whatever may hold a secret, wherever it comes from: a variable, `${NAME}`, the file.
///
/// Files and commands end their output with a line break that nobody means, so one at the end is left out. Anything
/// else that a secret is unlikely to hold on purpose is refused with its name, because a wrong secret fails without a
/// reason.
package enum SecretText {
    /// The text without one line break at its end.
    package static func withoutFinalBreak(_ text: String) -> String {
        var scalars = text.unicodeScalars[...]
        if scalars.last == "\n" { scalars.removeLast() }
        if scalars.last == "\r" { scalars.removeLast() }
        return String(scalars)
    }

    /// What keeps a text, without its final line break, from being taken for a secret; nil when it will do. Never
    /// quotes it.
    package static func flaw(in text: String) -> String? {
        if text.isEmpty { return "is empty" }
        for scalar in text.unicodeScalars {
            let name: String? =
                switch scalar {
                case "\n", "\r", "\u{85}", "\u{2028}", "\u{2029}": "a line break"
                case "\u{FEFF}": "a byte order mark"
                case _ where scalar.properties.isWhitespace: "a blank"
                default:
                    switch scalar.properties.generalCategory {
                    case .control: "a control character"
                    case .format: "an invisible character"
                    default: nil
                    }
                }
            if let name { return "holds \(name): leave it out" }
        }
        let quotes: Set<Character> = ["\"", "'", "`", "“", "”", "‘", "’"]
        guard let first = text.first, let last = text.last, quotes.contains(first) || quotes.contains(last) else {
            return nil
        }
        return "begins or ends with a quote: give it without, as no shell takes them away here"
    }
}
