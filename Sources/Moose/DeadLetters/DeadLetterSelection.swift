internal import Operations

/// What a command that changes dead letters may select.
enum DeadLetterSelection {
    /// - Throws: ``CommandFailure`` with ``ExitStatus/usage`` when nothing says which: everything must be asked for.
    static func filter(_ which: DeadLetterOptions, _ ids: [String], all: Bool) throws(CommandFailure)
        -> DeadLetterFilter
    {
        let filter = try which.filter(ids: ids)
        guard all || !filter.isEverything else {
            throw CommandFailure(
                "which dead letters?", next: "Give ids or conditions, or --all for every one", status: .usage)
        }
        return filter
    }
}
