/// How much of one kind may go on at a time, over all workers. Its keys stand among the others of the handler.
package struct FlowSettings: Sendable, Equatable {
    /// So many at once. Default nil: as many as there are slots. Key `concurrency`.
    package var concurrency: Int?
    /// So many starts in a time. Default nil: no limit. Key `rate`.
    package var rate: StartRate?
    /// So many at once with the same `concurrency_key`. Default nil: 1. Key `key_concurrency`.
    package var keyConcurrency: Int?

    /// No limit but the one at once of a key.
    package init(concurrency: Int? = nil, rate: StartRate? = nil, keyConcurrency: Int? = nil) {
        self.concurrency = concurrency
        self.rate = rate
        self.keyConcurrency = keyConcurrency
    }
}

extension FlowSettings {
    /// The keys of an entry of `handlers` that belong here.
    static let keys = ["concurrency", "rate", "key_concurrency"]

    /// What an entry of `handlers` says, with mistakes noted.
    init(_ section: Section) {
        self.init(
            concurrency: section["concurrency"]?.integer(in: 1...1_000_000, unit: "work orders"),
            rate: section["rate"]?.startRate(),
            keyConcurrency: section["key_concurrency"]?.integer(in: 1...1_000_000, unit: "work orders")
        )
    }

    /// The keys that are set.
    var entries: [(key: String, value: ShownValue)] {
        var entries: [(key: String, value: ShownValue)] = []
        if let concurrency { entries.append(("concurrency", .integer(concurrency))) }
        if let rate { entries.append(("rate", .text("\(rate)"))) }
        if let keyConcurrency { entries.append(("key_concurrency", .integer(keyConcurrency))) }
        return entries
    }
}
