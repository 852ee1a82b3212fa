internal import ArgumentParser
internal import Operations

/// What a command prints, and how it exits.
struct CommandAnswer: Sendable {
    /// For people, on standard output, with its line break.
    let text: String
    /// For `--json`, on standard output.
    let json: JSONValue
    /// For people, on standard error after the text, with its line break; not with `--json`. Default none.
    var note = ""
    /// Default ``ExitStatus/ok``.
    var status = ExitStatus.ok

    /// Prints the one form that was asked for.
    ///
    /// - Throws: `ExitCode` with its status unless that is ``ExitStatus/ok``.
    func show(_ common: CommonOptions) throws {
        print(common.json ? try jsonText() : text, terminator: "")
        if !common.json, !note.isEmpty { StandardError.write(note) }
        if status != .ok { throw ExitCode(status.rawValue) }
    }

    private func jsonText() throws -> String {
        if case .array(let items) = json { return try JSONOutput.text(list: items) }
        return try JSONOutput.text(json)
    }
}

extension CommonOptions {
    /// An answer of which only the form that was asked for is made, where making both would cost.
    func answer(
        text: @autoclosure () throws -> String, json: @autoclosure () throws -> JSONValue
    ) rethrows -> CommandAnswer {
        self.json ? CommandAnswer(text: "", json: try json()) : CommandAnswer(text: try text(), json: .null)
    }
}
