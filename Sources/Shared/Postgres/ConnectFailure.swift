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
        // 42704: a setting that the server doesn't know.
        if codes.contains("42704") {
            return .unsuitable(reason: reason, remedy: "Moose needs PostgreSQL 15 or newer")
        }
        return .unreachable(reason: reason)
    }

    /// What all hosts of a URL answered, as one error: the kind that says most of what a person must do.
    static func together(_ errors: [PostgresError]) -> PostgresError {
        if errors.count == 1 { return errors[0] }
        let telling = errors.first { error in
            switch error {
            case .unsuitable, .authenticationFailed, .databaseMissing: true
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
        // Two lines of libpq's, of which the first has no full stop.
        let text = words.joined(separator: " ").replacing(" Is the server running", with: ". Is the server running")
        // Its reader goes on with a sentence.
        return words.isEmpty ? "No answer" : text.hasSuffix(".") ? String(text.dropLast()) : text
    }
}
