/// docs/wire-format.md, as far as its tables and programs can be held against the code.
package struct WireFormatPage {
    package struct NotOne: Error {
        let what: String
    }

    private let text: String

    package init() throws { text = try Repository.text("docs/wire-format.md") }

    /// The fields in the table of a section, and those of them that it calls required.
    package func fields(of section: String) throws -> (all: Set<String>, required: Set<String>) {
        let sections = text.split(separator: "\n## ").filter { $0.hasPrefix("\(section)\n") }
        guard sections.count == 1 else { throw NotOne(what: section) }
        let rows = sections[0].split(separator: "\n").filter { $0.hasPrefix("| `") }
        func names(_ rows: [Substring]) -> Set<String> { Set(rows.map { String($0.split(separator: "`")[1]) }) }
        return (names(rows), names(rows.filter { $0.contains("**required**") }))
    }

    /// The only program in a language.
    package func program(in language: String) throws -> String {
        // What stands between two fences is text and code in turn.
        let blocks = text.split(separator: "```", omittingEmptySubsequences: false).enumerated()
            .filter { !$0.offset.isMultiple(of: 2) && $0.element.hasPrefix("\(language)\n") }
        guard blocks.count == 1 else { throw NotOne(what: language) }
        return String(blocks[0].element.dropFirst(language.count + 1))
    }
}
