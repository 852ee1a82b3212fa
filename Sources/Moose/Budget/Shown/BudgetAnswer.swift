internal import Operations

/// What a ``BudgetSubcommand`` prints on standard output, and how it exits.
struct BudgetAnswer: Sendable {
    /// For people, with its line break.
    let text: String
    /// For `--json`.
    let json: JSONValue
    var status = ExitStatus.ok

    func jsonText() throws -> String {
        if case .array(let items) = json { return try JSONOutput.text(list: items) }
        return try JSONOutput.text(json)
    }
}
