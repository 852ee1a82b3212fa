internal import WorkOrders

/// Groups equal failures: class, component, operation, handler and the message without what differs each time.
enum Fingerprint {
    /// Raised when the normalisation changes, so that old and new groups don't mix.
    static let version = "v1"

    static func of(_ event: ErrorEvent) -> String {
        [
            version, event.failureClass ?? FailureClass.unknown.rawValue, event.component, event.operation,
            event.details?["handler"] ?? "", event.details?["reason"] ?? "", normalised(event.message),
        ].joined(separator: "|")
    }

    /// Ids, numbers and paths become placeholders; at most 200 characters.
    static func normalised(_ message: String) -> String {
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
}
