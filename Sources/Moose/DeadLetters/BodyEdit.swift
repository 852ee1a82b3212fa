internal import FoundationEssentials
internal import Operations
internal import WorkOrders

/// Changes to a message's body.
enum BodyEdit {
    /// `payload.path=src`: a field at a path of names, and its new value; JSON, or else a text.
    struct Assignment: Sendable {
        let path: [String]
        let value: JSONValue

        /// - Throws: ``CommandFailure`` with ``ExitStatus/usage`` without a name or a `=`.
        init(_ text: String) throws(CommandFailure) {
            let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            path = parts[0].split(separator: ".", omittingEmptySubsequences: false).map(String.init)
            // Each name is a level of the body, and no reader goes deeper.
            guard parts.count == 2, !path.contains(""), path.count < JSONSyntax.depthLimit else {
                throw CommandFailure(
                    "“\(PrintableText.truncated(PrintableText.oneLine(text), to: 60))” is no assignment",
                    why: "--set takes name=value, such as --set payload.path=src or --set max_attempts=3",
                    status: .usage)
            }
            let bytes = Array(parts[1].utf8)
            if case .repeatedName(let name) = JSONSyntax.fault(in: bytes) {
                throw CommandFailure(
                    "--set names \(PrintableText.oneLine(name)) twice", why: "a handler would see one of the two",
                    status: .usage)
            }
            value = (try? JSONDecoder().decode(JSONValue.self, from: Data(bytes))) ?? .string(String(parts[1]))
        }
    }

    /// The body with these fields set; objects on the way are made.
    ///
    /// - Throws: ``CommandFailure`` with ``ExitStatus/refused`` when it is no JSON object.
    static func set(_ assignments: [Assignment], in body: [UInt8]) throws -> [UInt8] {
        try refuseRepeatedNames(in: body)
        guard case .object = JSONValue.document(body) else {
            throw CommandFailure(
                "--set can't change a body that is no JSON object", next: "Use --edit or --body", status: .refused)
        }
        return try assignments.reduce(body) { body, assignment in
            try write(set(assignment.path[...], to: assignment.value, in: .document(body)))
        }
    }

    /// The body with this id, where it names one.
    static func withID(_ id: UUID, _ body: [UInt8]) throws -> [UInt8] {
        guard case .object(var fields) = JSONValue.document(body), fields["id"] != nil else { return body }
        try refuseRepeatedNames(in: body)
        fields["id"] = .id(id)
        return try write(.object(fields))
    }

    /// Writing it anew would keep one of two values, and nobody would have said which.
    private static func refuseRepeatedNames(in body: [UInt8]) throws(CommandFailure) {
        guard case .repeatedName(let name) = JSONSyntax.fault(in: body) else { return }
        throw CommandFailure(
            "the body names \(PrintableText.oneLine(name)) twice: which one counts?",
            next: "Use --edit or --body to say it once", status: .refused)
    }

    private static func set(_ path: ArraySlice<String>, to value: JSONValue, in document: JSONValue) -> JSONValue {
        guard let name = path.first else { return value }
        var fields: [String: JSONValue] = [:]
        if case .object(let present) = document { fields = present }
        fields[name] = set(path.dropFirst(), to: value, in: fields[name] ?? .null)
        return .object(fields)
    }

    private static func write(_ value: JSONValue) throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return Array(try encoder.encode(value))
    }
}
