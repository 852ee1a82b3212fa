extension LedgerModel {
    /// Closes a hold once; asking again changes nothing. What is posted goes to the windows it was taken in.
    mutating func close(_ name: HoldName, actual: Int64?, wasStarted: Bool, isExpiry: Bool = false) {
        guard var hold = holds[name] else { return }
        let wasOpen = hold.isOpen
        let entry: (Hold.Entry.Kind, Int64)
        switch (hold.state, actual) {
        case (.held, let actual?), (.dispatched, let actual?):
            (hold.state, hold.actual) = (.settled, actual)
            entry = (.settled, actual)
        case (.held, nil):
            (hold.state, hold.actual) = (isExpiry ? .expired : .cancelled, 0)
            entry = (.settled, 0)
        case (.dispatched, nil) where wasStarted:
            hold.state = .presumed
            entry = (.presumed, hold.estimate)
        case (.dispatched, nil):
            (hold.state, hold.actual) = (.cancelled, 0)
            entry = (.settled, 0)
        case (.presumed, let actual?):
            (hold.state, hold.actual, hold.isLate) = (.settled, actual, true)
            entry = (.late, actual - hold.estimate)
        case (.presumed, nil) where !wasStarted:
            (hold.state, hold.actual, hold.isLate) = (.settled, 0, true)
            entry = (.late, -hold.estimate)
        case (.cancelled, let actual?) where actual > 0, (.expired, let actual?) where actual > 0:
            (hold.state, hold.actual, hold.isLate) = (.settled, actual, true)
            entry = (.late, actual)
        default:
            return
        }
        if wasOpen { for key in hold.caps.keys { buckets[key]?.held -= hold.estimate } }
        post(entry.0, 0, entry.1, to: &hold)
        holds[name] = hold
    }

    /// The sweeper: never dispatched, the money comes back; else it is presumed spent.
    /// - Returns: how many holds it closed.
    mutating func expire() -> Int {
        let overdue = holds.filter { _, hold in hold.isOverdue && hold.isOpen }.keys
        for name in overdue { close(name, actual: nil, wasStarted: true, isExpiry: true) }
        return overdue.count
    }

    /// A person says what a closed hold cost.
    mutating func correct(_ name: HoldName, actual: Int64) {
        guard var hold = holds[name], !hold.isOpen else { return }
        post(.corrected, hold.corrections, actual - hold.posted, to: &hold)
        hold.corrections += 1
        (hold.state, hold.actual) = (.settled, actual)
        holds[name] = hold
    }

    private mutating func post(_ kind: Hold.Entry.Kind, _ number: Int16, _ amount: Int64, to hold: inout Hold) {
        guard amount != 0 else { return }
        hold.entries.insert(Hold.Entry(kind: kind, number: number, amount: amount))
        for key in hold.caps.keys { buckets[key]?.posted += amount }
    }
}
