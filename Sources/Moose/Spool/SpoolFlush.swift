internal import ArgumentParser
internal import FoundationEssentials
internal import Messaging
internal import Operations
internal import Spool

/// `moose spool flush`.
struct SpoolFlush: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "flush",
        abstract: "Send what is spooled for this broker; returns when the broker has confirmed it.",
        discussion: """
            Files of living processes are left to them. A file is deleted once all of it was confirmed; what is sent \
            twice counts once.

            EXAMPLES
              moose spool flush
              moose spool flush --json
            """)

    @Option(help: "The folder (default: spool.folder of moose.yaml).") var folder: String?
    @OptionGroup var common: CommonOptions

    func run() async throws {
        try await runCommand {
            let settings = try common.settings()
            let spool = try SpoolPlace.spool(settings, folder: folder)
            var done = SpoolReplay()
            if try await spool.hasFiles(Set(SpoolKind.allCases)) {
                try await TopologyAccess.withPublisher(settings) { publisher in
                    done = try await spool.replay(Set(SpoolKind.allCases)) { _, records in
                        try await publisher.replay(records, deadline: .seconds(30))
                    }
                }
            }
            let left = try await spool.summaries().count { $0.state == .inUse }
            if common.json {
                let refused = done.refusals.map { JSONValue.object(["id": .id($0.id), "why": .string($0.why)]) }
                let answer: [String: JSONValue] = [
                    "messages": .count(done.messages), "files": .count(done.files),
                    "lines_aside": .count(done.linesAside), "in_use": .count(left), "refused": .array(refused),
                ]
                print(try JSONOutput.text(answer), terminator: "")
            } else {
                print(
                    "Sent \(NumberText.counted(done.messages, "message")) of \(NumberText.counted(done.files, "file"))."
                )
                if left > 0 {
                    print("Left to living processes, which send theirs: \(NumberText.counted(left, "file")).")
                }
            }
            if !done.asideFiles.isEmpty {
                StandardError.write(
                    "moose: no messages, or refused by the broker, and put aside: "
                        + "\(NumberText.counted(done.linesAside, "line")), in "
                        + done.asideFiles.joined(separator: ", ") + "\n"
                        + done.refusals.map {
                            "  \($0.id.uuidString.lowercased()): \(PrintableText.oneLine($0.why))\n"
                        }.joined())
            }
        }
    }
}
