/// Settings as they may be shown to people: a tree without secrets, printed as YAML or encoded as JSON.
package indirect enum ShownValue: Sendable, Equatable {
    case text(String)
    case number(String)
    case boolean(Bool)
    case list([ShownValue])
    case block([(key: String, value: ShownValue)])

    package static func == (a: ShownValue, b: ShownValue) -> Bool {
        a.yaml() == b.yaml()
    }

    /// The tree as YAML that reads back as the same settings, the hidden values apart.
    package func yaml(indentation: Int = 0) -> String {
        let margin = String(repeating: "  ", count: indentation)
        switch self {
        case .text(let text): return Self.quoted(text) + "\n"
        case .number(let text): return text + "\n"
        case .boolean(let value): return "\(value)\n"
        case .list(let items):
            return "[" + items.map { String($0.yaml().dropLast()) }.joined(separator: ", ") + "]\n"
        case .block(let entries):
            if entries.isEmpty { return "{}\n" }
            return entries.map { entry -> String in
                if case .block(let inner) = entry.value, !inner.isEmpty {
                    return "\(margin)\(Self.key(entry.key)):\n\(entry.value.yaml(indentation: indentation + 1))"
                }
                return "\(margin)\(Self.key(entry.key)): \(entry.value.yaml())"
            }.joined()
        }
    }

    private static func key(_ text: String) -> String {
        let isPlain =
            !text.isEmpty && text.utf8.allSatisfy { NameRule.isLane(String(Unicode.Scalar($0))) || $0 == 0x5F }
        return isPlain ? text : quoted(text)
    }

    /// A double-quoted YAML scalar, the same as JSON's.
    private static func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"", "\\": result += "\\\(scalar)"
            case "\n": result += "\\n"
            case "\t": result += "\\t"
            case _ where scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value):
                let digits = String(scalar.value, radix: 16)
                result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }
}
