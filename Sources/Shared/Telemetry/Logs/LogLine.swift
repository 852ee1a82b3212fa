import Logging

/// One log event, without secrets, about to become text.
struct LogLine {
    let timestamp: Timestamp
    let level: Logger.Level
    let label: String
    let message: String
    let error: String?
    let metadata: Logger.Metadata

    /// The names every JSON line uses itself; metadata of that name gets an underscore behind it.
    private static let reserved: Set<String> = ["ts", "level", "logger", "message", "error"]

    /// The event as one line of JSON.
    var json: String {
        var line = "{\"ts\":\"\(timestamp.rfc3339)\",\"level\":\"\(level.rawValue)\",\"logger\":"
        line += JSONText.quoted(label)
        line += ",\"message\":"
        line += JSONText.quoted(message)
        if let error { line += ",\"error\":" + JSONText.quoted(error) }
        for (key, value) in metadata.sorted(by: { $0.key < $1.key }) {
            line += "," + JSONText.quoted(Self.reserved.contains(key) ? key + "_" : key) + ":"
            line += JSONText.value(value)
        }
        return line + "}\n"
    }

    /// The event as one line for people.
    func forPeople(colour: Bool) -> String {
        let dim = colour ? "\u{1B}[2m" : ""
        let reset = colour ? "\u{1B}[0m" : ""
        let name = level.rawValue.uppercased()
        let padding = String(repeating: " ", count: max(0, 8 - name.count))
        var line = "\(dim)\(timestamp.localTimeOfDay)\(reset) "
        line += colour ? "\(levelColour)\(name)\(reset)" : name
        line += "\(padding) \(dim)\(Self.onOneLine(label))\(reset) \(Self.onOneLine(message))"
        if let error { line += " \(dim)error=\(reset)\(Self.quotedIfNeeded(error))" }
        for (key, value) in metadata.sorted(by: { $0.key < $1.key }) {
            line += " \(dim)\(Self.onOneLine(key))=\(reset)\(Self.quotedIfNeeded(value.description))"
        }
        return line + "\n"
    }

    private var levelColour: String {
        switch level {
        case .trace, .debug: "\u{1B}[2m"
        case .info: "\u{1B}[32m"
        case .notice: "\u{1B}[36m"
        case .warning: "\u{1B}[33m"
        case .error: "\u{1B}[31m"
        case .critical: "\u{1B}[1;31m"
        }
    }

    /// The text without control characters: a line break or an escape sequence in a message of others must neither fake
    /// a line nor steer the terminal.
    private static func onOneLine(_ text: String) -> String {
        guard text.unicodeScalars.contains(where: JSONText.isControl) else { return text }
        return String(JSONText.quoted(text).dropFirst().dropLast())
    }

    private static func quotedIfNeeded(_ text: String) -> String {
        let isPlain =
            !text.isEmpty && !text.unicodeScalars.contains { $0 == " " || $0 == "\"" || JSONText.isControl($0) }
        return isPlain ? text : JSONText.quoted(text)
    }
}
