/// Tells apart why a connection could not be made, from the only thing libpq offers: its verbose text.
enum ConnectFailure {
    /// - Parameter message: such as `… FATAL:  28P01: no such password … LOCATION:  …`, one such part a host.
    static func error(message: String, needsPassword: Bool) -> PostgresError {
        let reason = readable(message)
        let codes = sqlStates(in: message)
        // 42501: a role that may log in, only not to this database.
        if needsPassword || codes.contains(where: { code in code.hasPrefix("28") || code == "42501" }) {
            return .authenticationFailed(reason: reason)
        }
        if codes.contains("3D000") { return .databaseMissing(reason: reason) }
        if ["unsupported startup parameter", "statement pooling mode"].contains(where: { message.contains($0) }) {
            return .refusedByPooler(reason)
        }
        // 42704: a setting that the server doesn't know. Moose's own are known to all that are new enough.
        if codes.contains("42704"), namesPin(message) {
            return .unsuitable(reason: reason, remedy: "Moose needs PostgreSQL 15 or newer")
        }
        // 22023 and 55P02: one that can't have this value, or not now; 42601: what is no setting at all.
        if codes.contains(where: { code in ["42704", "22023", "55P02", "42601"].contains(code) }) {
            return .invalidConfiguration(
                reason: "The server refuses what PGOPTIONS, another PG* variable or the URL asks for: \(reason)")
        }
        return .unreachable(reason: reason)
    }

    /// Whether a setting that Moose itself asks for is among the words of the server, in whatever language they are.
    private static func namesPin(_ message: String) -> Bool {
        message.split { character in !character.isLetter && character != "_" }
            .contains { word in SessionPins.names.contains(String(word)) }
    }

    /// What all hosts of a URL answered, as one error: the kind that says most of what a person must do.
    static func together(_ errors: [PostgresError]) -> PostgresError {
        if errors.count == 1 { return errors[0] }
        let telling = errors.first { error in
            switch error {
            case .unsuitable, .authenticationFailed, .databaseMissing, .invalidConfiguration: true
            default: false
            }
        }
        if let telling { return telling }
        let reasons = errors.map { error in
            if case .unreachable(let reason) = error { reason } else { error.description }
        }
        return .unreachable(reason: reasons.joined(separator: "; "))
    }

    /// The five-character words that end in a colon and follow a word that ends in one.
    private static func sqlStates(in message: String) -> [Substring] {
        let words = message.split(separator: " ")
        return zip(words, words.dropFirst()).compactMap { before, word in
            guard before.hasSuffix(":"), word.utf8.count == 6, word.hasSuffix(":") else { return nil }
            let code = word.dropLast()
            let isCode = code.utf8.allSatisfy { byte in (48...57).contains(byte) || (65...90).contains(byte) }
            return isCode ? code : nil
        }
    }

    /// Without the line of the server's source code, which verbose messages end in.
    private static func readable(_ message: String) -> String {
        var words = message.split(separator: " ")
        while let location = words.firstIndex(of: "LOCATION:") {
            // `LOCATION:  auth_failed, auth.c:334`
            words.removeSubrange(location..<min(location + 3, words.endIndex))
        }
        words = withoutRepeats(words)
        // Two lines of libpq's, of which the first has no full stop.
        let text = words.joined(separator: " ").replacing(" Is the server running", with: ". Is the server running")
        // Its reader goes on with a sentence.
        return words.isEmpty ? "No answer" : text.hasSuffix(".") ? String(text.dropLast()) : text
    }

    /// With SSL and without, and at each address of a name, a server says the same: once is enough.
    private static func withoutRepeats(_ words: [Substring]) -> [Substring] {
        let opening: [Substring] = ["connection", "to", "server"]
        var answers: [[Substring]] = [[]]
        for index in words.indices {
            if words[index...].starts(with: opening) { answers.append([]) }
            answers[answers.count - 1].append(words[index])
        }
        var different: [[Substring]] = []
        for answer in answers where !different.contains(answer) { different.append(answer) }
        return Array(different.joined())
    }
}
