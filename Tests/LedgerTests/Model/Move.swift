/// One step of a hold's life.
struct Move: Sendable {
    enum Kind: String, CaseIterable, Sendable { case dispatch, settle, cancel }

    let name: HoldName
    let kind: Kind
    /// The real cost of a settlement; nil: nobody knows it.
    var actual: Int64?
}
