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
}
