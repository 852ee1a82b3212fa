internal import Operations

extension JSONValue {
    /// Indented lines for people; a text stands as it is. Nothing in it can steer a terminal.
    func lines(indentation: String = "  ") throws -> String {
        let text: String
        if case .string(let plain) = self { text = plain } else { text = try JSONOutput.text(self) }
        return text.split(whereSeparator: \.isNewline)
            .map { indentation + PrintableText.oneLine(String($0)) + "\n" }.joined()
    }
}
