/// Which budgets a reservation counts against, besides the organisation's.
struct WorkPath: Hashable, Sendable {
    var project: String?
    var agent: String?
    var handler: String?
    var model: String?

    var scopes: [Scope] {
        let named: [(Scope.Kind, String?)] = [
            (.project, project), (.agent, agent), (.handler, handler), (.model, model),
        ]
        return [.org] + named.compactMap { kind, name in name.map { name in Scope(kind: kind, name: name) } }
    }
}
