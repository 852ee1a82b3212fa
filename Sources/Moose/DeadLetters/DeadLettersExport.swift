internal import ArgumentParser
internal import FoundationEssentials
internal import Operations
internal import Postgres
internal import SystemPackage

/// `moose dead-letters export`.
struct DeadLettersExport: AsyncParsableCommand {
    /// Letters read at a time.
    private static let page = 200
    /// Bodies are read until they hold so many bytes.
    private static let pieceBytes = 16 << 20

    static let configuration = CommandConfiguration(
        commandName: "export",
        abstract: "Write dead letters as NDJSON, a letter a line with body and headers, the newest first.",
        discussion: """
            `body` is the text exactly as it came; bytes that are no UTF-8 stand in `body_base64` instead. Of a body over the \
            limit there is only the beginning, and `body_is_cut` says so. `properties` are for reading; \
            `properties_base64` are those that came, as AMQP encodes them.

            EXAMPLES
              moose dead-letters export --all > letters.ndjson
              moose dead-letters export --reason malformed --since 1d --file letters.ndjson
            """)

    @Argument(
        help: ArgumentHelp("The ids of dead letters; without any, all that the conditions name.", valueName: "id"))
    var ids: [String] = []

    @OptionGroup var which: DeadLetterOptions

    @Option(help: "Those in this state.")
    var state = DeadLetterFilter.State.dead

    @Flag(help: "Every dead letter, where no other condition is given.")
    var all = false

    @Option(help: "Where to write; must not exist yet. Default standard output.")
    var file: String?

    @OptionGroup var common: CommonOptions

    func run() async throws {
        try await runCommand {
            var filter = try DeadLetterSelection.filter(which, ids, all: all)
            filter.state = state
            let start = filter
            let output = try open()
            let count = try await common.withDatabase { try await Self.write(start, to: output, from: $0) }
            if file != nil {
                try output.close()
                StandardError.write("\(NumberText.counted(count, "dead letter")) written.\n")
            }
        }
    }

    /// - Returns: how many were written.
    static func write(
        _ start: DeadLetterFilter, to output: FileDescriptor, from database: PostgresClient
    ) async throws -> Int {
        var filter = start
        var count = 0
        while true {
            let letters = try await filter.newest(page, in: database)
            var rest = letters[...]
            while !rest.isEmpty {
                var bytes = 0
                let piece = rest.prefix { letter in
                    defer { bytes += letter.keptSize }
                    return bytes < pieceBytes
                }
                rest = rest.dropFirst(piece.count)
                let contents = try await DeadLetterSummary.contents(piece.map(\.id), in: database)
                for letter in piece {
                    guard let content = contents[letter.id] else { continue }
                    do {
                        _ = try output.writeAll(Array(try line(letter, content).utf8))
                    } catch Errno.brokenPipe {
                        // The reader has all it wants, as `head` has.
                        return count
                    }
                    count += 1
                }
            }
            guard letters.count == page, let last = letters.last else { return count }
            filter.after = last.id
        }
    }

    private func open() throws -> FileDescriptor {
        guard let file else { return .standardOutput }
        do {
            return try FileDescriptor.open(
                FilePath(file), .writeOnly, options: [.create, .exclusiveCreate], permissions: [.ownerReadWrite])
        } catch {
            throw CommandFailure(
                "\(file) can't be written", why: "\(error)", next: "Name a file that doesn't exist yet", status: .usage)
        }
    }

    /// One letter as a line of JSON.
    static func line(_ letter: DeadLetterSummary, _ content: DeadLetterSummary.Content) throws -> String {
        var fields = letter.json
        if let text = String(validating: content.body, as: UTF8.self) {
            fields["body"] = .string(text)
        } else {
            fields["body_base64"] = .string(Data(content.body).base64EncodedString())
        }
        fields["properties"] = .document(content.headers)
        fields["properties_base64"] = .text(content.properties.map { Data($0).base64EncodedString() })
        return try JSONOutput.line(JSONValue.object(fields))
    }
}
