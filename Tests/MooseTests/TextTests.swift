import ArgumentParser
import Testing

@testable import Moose

/// Wording of the commands that holds for all of them.
struct TextTests {
    @Test func `things are counted as people do`() {
        #expect(NumberText.counted(1, "worker") == "1 worker")
        #expect([0, 2, 1000].map { NumberText.counted($0, "line") } == ["0 lines", "2 lines", "1,000 lines"])
    }

    @Test func `a paragraph of the help has no line breaks of its own`() {
        for (name, paragraph) in Self.paragraphs(of: MooseCommand.self) {
            let lines = paragraph.split(separator: "\n")
            let isProse = lines.first.map { !$0.hasPrefix(" ") && $0 != "EXAMPLES" } ?? false
            #expect(!isProse || lines.count == 1, "\(name): \(paragraph)")
        }
    }

    private static func paragraphs(of command: any ParsableCommand.Type) -> [(name: String, text: Substring)] {
        let configuration = command.configuration
        let own = configuration.discussion.split(separator: "\n\n").map { (configuration.commandName ?? "", $0) }
        return own + configuration.subcommands.flatMap { paragraphs(of: $0) }
    }
}
