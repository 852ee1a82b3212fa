internal import WorkOrders

/// The reasons people type: they are what is left when somebody asks in half a year.
enum ReasonArgument {
    /// The reason without blanks around it.
    ///
    /// - Throws: ``CommandFailure`` with ``ExitStatus/usage`` when it is empty or longer than 500 characters.
    static func parse(_ text: String) throws(CommandFailure) -> String {
        var rest = text[...]
        while rest.first?.isWhitespace == true { rest.removeFirst() }
        while rest.last?.isWhitespace == true { rest.removeLast() }
        do {
            return try FieldRule.text(500).check(String(rest), "--reason")
        } catch {
            throw CommandFailure(error.explanation, next: "Say in a few words why", status: .usage)
        }
    }
}
