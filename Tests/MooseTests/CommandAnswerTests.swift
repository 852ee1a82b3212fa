import ArgumentParser
import Operations
import Testing

@testable import Moose

/// What a command prints of its answer.
struct CommandAnswerTests {
    private struct Unasked: Error {}

    private func refuse<Value>() throws -> Value { throw Unasked() }

    @Test func `of an answer whose forms cost only the one that was asked for is made`() throws {
        let people = try CommonOptions.parse([]).answer(text: "one order\n", json: try refuse())
        #expect(people.text == "one order\n")
        let script = try CommonOptions.parse(["--json"]).answer(text: try refuse(), json: ["orders": .count(1)])
        #expect(script.json == ["orders": .count(1)])
    }

    @Test func `a script learns from the status what people read`() throws {
        let answer = CommandAnswer(text: "", json: .array([]), status: .refused)
        let code = #expect(throws: ExitCode.self) { try answer.show(try CommonOptions.parse([])) }
        #expect(code?.rawValue == ExitStatus.refused.rawValue)
        #expect(throws: Never.self) { try CommandAnswer(text: "", json: .null).show(try CommonOptions.parse([])) }
    }
}
