internal import FoundationEssentials

/// Something that happened to a work order.
struct StoryEvent: Sendable {
    let at: Date
    /// What it was, in a word or two.
    let what: String
    /// The rest of the line.
    let detail: String
    /// A state that decides the colour, such as `failed`.
    let state: String?
    /// The same for programs.
    let json: JSONValue

    init(_ at: Date, _ what: String, _ details: [String?], state: String? = nil, json: JSONValue) {
        self.at = at
        self.what = what
        detail = details.compactMap { $0 }.joined(separator: ", ")
        self.state = state
        self.json = json
    }
}
