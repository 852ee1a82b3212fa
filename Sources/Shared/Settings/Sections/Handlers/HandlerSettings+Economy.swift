extension HandlerSettings {
    /// Notes each `economy` that names no handler which could stand in: an order switches once, and not in a circle.
    static func checkEconomies(_ fields: [(name: String, field: Field)], of handlers: [String: HandlerSettings]) {
        let kinds = fields.map(\.name)
        for (kind, field) in fields {
            guard let economy = handlers[kind]?.economy, let place = Section(field)?["economy"] else { continue }
            if economy == kind {
                place.fail("names the handler itself: name one that does the same work for less, or leave it out")
            } else if !kinds.contains(economy) {
                let guess = Spelling.suggestion(for: economy, among: kinds).map { ": did you mean \($0)?" } ?? ""
                place.fail("names a kind that has no handler\(guess)")
            } else if handlers[economy]?.economy != nil {
                place.fail("names a handler that has an economy of its own: only one step is taken, so name the last")
            }
        }
    }
}
