/// Plays a journal through the model, in the order in which the requests took effect.
struct JournalReplay {
    var model: LedgerModel
    let requests: [Int64: Request]

    /// - Returns: the first entry that says otherwise than the model; nil when all agree.
    mutating func fault(in entries: [JournalEntry]) throws -> String? {
        for (place, entry) in entries.enumerated() {
            guard let request = requests[entry.request] else { return "nobody sent request \(entry.request)" }
            switch request.kind {
            case .batch(let batch):
                let answers = try entry.answers(to: batch)
                // It touched nothing, so it waited for nobody: its place is arbitrary.
                if batch.reservations.isEmpty, answers.allSatisfy({ answer in answer.answer == "unknown" }) { continue }
                let before = model
                let expected = model.apply(batch)
                if answers != expected {
                    return """
                        entry \(place), \(batch)
                        expected \(expected)
                        answered \(answers)
                        before: \(before)
                        """
                }
            case .expire:
                for name in try entry.closed() {
                    guard let hold = model.holds[name], hold.isOpen, hold.isOverdue else {
                        return "entry \(place) closed \(name), which is \(String(describing: model.holds[name]))"
                    }
                    model.close(name, actual: nil, wasStarted: true, isExpiry: true)
                }
            case .operation(let operation): model.apply(operation)
            }
        }
        return nil
    }
}
