/// What a client of a concurrent history asks for, with its number in the journal.
struct Request: Sendable {
    enum Kind: Sendable {
        case batch(Batch)
        case expire
        case operation(Operation)
    }

    let number: Int64
    let kind: Kind
}
