/// The Prometheus text format 0.0.4 as it grows.
struct ExpositionText {
    private(set) var bytes: [UInt8] = []

    /// Appends a line from its prepared beginning (name, labels, blank) and a whole number.
    mutating func line(_ prefix: [UInt8], _ value: Int64) {
        bytes += prefix
        bytes += "\(value)\n".utf8
    }

    /// Appends a line from its prepared beginning and a number.
    mutating func line(_ prefix: [UInt8], _ value: Double) {
        bytes += prefix
        bytes += Self.number(value).utf8
        bytes.append(UInt8(ascii: "\n"))
    }

    /// Appends the two comment lines in front of a metric.
    mutating func header(name: String, help: String, type: String) {
        bytes += "# HELP \(name) \(Self.escaped(help, quotes: false))\n# TYPE \(name) \(type)\n".utf8
    }

    /// The beginning of a line: name, labels in braces, blank.
    static func prefix(_ name: String, _ labels: [(name: String, value: String)]) -> [UInt8] {
        guard !labels.isEmpty else { return Array("\(name) ".utf8) }
        let list = labels.map { "\($0.name)=\"\(escaped($0.value, quotes: true))\"" }.joined(separator: ",")
        return Array("\(name){\(list)} ".utf8)
    }

    /// A number as Prometheus reads it.
    static func number(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value > 0 ? "+Inf" : "-Inf" }
        let text = value.description
        return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
    }

    /// A name with each character that metrics and labels can't have replaced by an underscore.
    static func validName(_ name: String, allowsColon: Bool) -> String {
        let characters = name.unicodeScalars.map { scalar -> Character in
            let isValid =
                ("a"..."z").contains(scalar) || ("A"..."Z").contains(scalar) || ("0"..."9").contains(scalar)
                || scalar == "_" || (allowsColon && scalar == ":")
            return isValid ? Character(scalar) : "_"
        }
        guard let first = characters.first, !first.isNumber else { return "_" + String(characters) }
        return String(characters)
    }

    private static func escaped(_ text: String, quotes: Bool) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\"" where quotes: result += "\\\""
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}
