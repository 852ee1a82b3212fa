extension ErrorEvent {
    /// A message without what differs each time: ids, numbers and paths become placeholders; at most 200 characters.
    package static func normalised(_ message: String) -> String {
        var words: [String] = []
        for word in message.prefix(1000).split(whereSeparator: \.isWhitespace) {
            if word.contains("/") {
                words.append("<path>")
            } else if word.contains(where: \.isNumber) {
                words.append(word.contains("-") && word.count >= 32 ? "<id>" : "<n>")
            } else {
                words.append(word.lowercased())
            }
        }
        return String(words.joined(separator: " ").prefix(200))
    }

    /// What of the details tells its cause from others whose messages differ in a number or a name only: the handler, the
    /// reason, exit code, signal, status and SQLSTATE, where it has them.
    package var causeDetails: String {
        let details = details ?? [:]
        let named = [details[.handler] ?? "", details[.reason] ?? ""]
        let facts = [DetailKey.exitCode, .signal, .httpStatus, .sqlState].compactMap { fact in
            details[fact].map { "\(fact.rawValue) \($0)" }
        }
        return (named + facts).joined(separator: "|")
    }
}
