/// What a budget can be for.
struct Scope: Hashable, Sendable {
    enum Kind: String, Sendable { case org, project, agent, handler, model }

    let kind: Kind
    let name: String

    static let org = Scope(kind: .org, name: "org")
}
