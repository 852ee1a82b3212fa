internal import FoundationEssentials

/// The ids people type or paste.
enum IdentifierArgument {
    /// The UUID.
    ///
    /// - Parameter what: what it names, such as `a work order`.
    /// - Throws: ``CommandFailure`` with ``ExitStatus/usage`` when the text is none.
    static func parse(_ text: String, of what: String, listedBy command: String) throws(CommandFailure) -> UUID {
        if let id = UUID(uuidString: text) { return id }
        let shown = PrintableText.truncated(PrintableText.oneLine(text), to: 60)
        throw CommandFailure(
            "“\(shown)” is not the id of \(what)",
            why: "An id is a UUID such as 0192f0c1-6b7a-7c3e-9d5e-2f4a6b8c0d1e",
            next: "`\(command)` shows them", status: .usage)
    }
}
