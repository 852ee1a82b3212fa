import Yams

/// One block of keys of the file.
struct Section {
    /// The block's full name; empty for the whole file.
    let name: String
    private let field: Field
    private let entries: [(key: String, keyMark: Mark?, field: Field)]

    /// Reads a block; nil, with a mistake noted, when the value is something else.
    init?(_ field: Field) {
        self.field = field
        name = field.name
        if field.isAbsent {
            entries = []
            return
        }
        guard case .mapping(let mapping) = field.node else {
            let what = field.name.isEmpty ? "the file" : field.name
            field.problems.note(
                "\(what) should be a block of keys, not \(Field.kind(of: field.node))",
                at: field.node.mark
            )
            return nil
        }
        var entries: [(String, Mark?, Field)] = []
        for (key, value) in mapping {
            guard case .scalar(let scalar) = key else {
                field.problems.note("a key should be a single word, not \(Field.kind(of: key))", at: key.mark)
                continue
            }
            let fullName = field.name.isEmpty ? scalar.string : "\(field.name).\(scalar.string)"
            let entry = Field(
                name: fullName,
                node: value,
                problems: field.problems,
                environment: field.environment
            )
            entries.append((scalar.string, scalar.mark, entry))
        }
        self.entries = entries
    }

    /// The same block, with each key that isn't known noted as a mistake.
    /// - Parameter holdsSecrets: values of the block are secrets, so that a key that is none may be one as well.
    func knowing(_ known: [String], holdsSecrets: Bool = false) -> Section {
        for entry in entries where !known.contains(entry.key) {
            let place = name.isEmpty ? "" : " in \(name)"
            let guess = Spelling.suggestion(for: entry.key, among: known).map { "did you mean \($0)?" }
            let hint = guess ?? "known are \(known.joined(separator: ", "))"
            // A key alone, as in `{s3cret}`, is a value that lacks its key.
            let isShown = guess != nil || !holdsSecrets && !entry.field.isAbsent
            let key = isShown ? KeyText.quoted(key: entry.key) : KeyText.hidden
            field.problems.note("unknown key \(key)\(place): \(hint)", at: entry.keyMark)
        }
        return self
    }

    /// The value of a key; nil when it is missing or left empty.
    subscript(key: String) -> Field? {
        guard let found = entries.first(where: { $0.key == key })?.field, !found.isAbsent else { return nil }
        return found
    }

    /// The block under a key; nil when it is missing or no block.
    func section(_ key: String) -> Section? {
        self[key].flatMap(Section.init)
    }

    /// Every entry with a name of the user's, empty ones included, in the order of the file.
    /// An entry whose name isn't `valid` is noted as a mistake and left out.
    /// - Parameter holdsSecrets: a wrong name may hold a secret, and isn't shown.
    func named(
        _ what: String, _ rule: String, holdsSecrets: Bool = false, where isValid: (String) -> Bool
    ) -> [(name: String, field: Field)] {
        entries.compactMap { entry in
            if isValid(entry.key) { return (entry.key, entry.field) }
            let name = holdsSecrets ? KeyText.hidden : KeyText.quoted(name: entry.key)
            field.problems.note("\(name) is no name of a \(what): \(rule)", at: entry.keyMark)
            return nil
        }
    }

    /// Notes a mistake of the block as a whole.
    func fail(_ message: String) {
        field.fail(message)
    }
}
