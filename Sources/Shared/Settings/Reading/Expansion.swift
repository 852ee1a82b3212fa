/// Fills `${NAME}` in values of the file from the environment, so that secrets needn't be written there.
enum Expansion {
    /// What keeps a text from being expanded.
    enum Failure: Error, Equatable {
        /// The environment has no such variable.
        case missing(name: String)
        /// A `${` without a name and a closing brace.
        case malformed
    }

    /// The text with each `${NAME}` replaced by its value without a line break at the end; `$${` stands for a literal
    /// `${`. An expanded value isn't expanded again.
    static func expand(_ text: String, from environment: [String: String]) throws(Failure) -> String {
        var result = ""
        var rest = text[...]
        while let dollar = rest.firstIndex(of: "$") {
            result += rest[..<dollar]
            rest = rest[dollar...]
            if rest.hasPrefix("$${") {
                result += "${"
                rest = rest.dropFirst(3)
            } else if rest.hasPrefix("${") {
                let name = rest.dropFirst(2).prefix { $0 != "}" }
                guard name.endIndex < rest.endIndex, isVariableName(name) else { throw .malformed }
                guard let value = environment[String(name)] else { throw .missing(name: String(name)) }
                result += SecretText.withoutFinalBreak(value)
                rest = rest[rest.index(after: name.endIndex)...]
            } else {
                result += "$"
                rest = rest.dropFirst()
            }
        }
        return result + rest
    }

    /// Whether the text is a portable name of an environment variable.
    static func isVariableName(_ name: some StringProtocol) -> Bool {
        guard let first = name.utf8.first, !isDigit(first) else { return false }
        return name.utf8.allSatisfy { isDigit($0) || $0 == UInt8(ascii: "_") || isLetter($0) }
    }

    /// Whether the name is one as people give them to variables: `DATABASE_PASSWORD`. Any other may be a piece of a
    /// password.
    static func isUsualName(_ name: String) -> Bool {
        name.utf8.allSatisfy { isDigit($0) || $0 == UInt8(ascii: "_") || (0x41...0x5A).contains($0) }
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }
    private static func isLetter(_ byte: UInt8) -> Bool { (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte) }
}
