package import FoundationEssentials

/// Something that happened to a work order.
package struct StoryEvent: Sendable {
    package let at: Date
    /// What it was, in a word or two.
    package let what: String
    /// What else there is to say, in this order.
    package let details: [Detail]
    /// A state it led to, such as `failed`, where it is one that lists have.
    package let state: String?
    /// What an attempt wrote, whole.
    package let output: String?
    /// The same for programs.
    package let json: JSONValue

    /// A part of what there is to say. Each face writes money and time in its own way.
    package enum Detail: Sendable, Equatable {
        case text(String)
        /// Millionths of a dollar.
        case money(Int64)
        case milliseconds(Int)
        /// A point in time, and what it means, such as `lease until`.
        case instant(String, Date)
    }

    init(
        _ at: Date, _ what: String, _ details: [Detail?], state: String? = nil, output: String? = nil, json: JSONValue
    ) {
        self.at = at
        self.what = what
        self.details = details.compactMap { $0 }
        self.state = state
        self.output = output
        self.json = json
    }
}
