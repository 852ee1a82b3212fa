internal import ArgumentParser
internal import Operations
internal import WorkOrders

/// Whose budget is meant. Without any of them: the org's.
struct BudgetScopeOptions: ParsableArguments {
    @Option(help: ArgumentHelp("The project's.", valueName: "name"))
    var project: String?

    @Option(help: ArgumentHelp("The agent's.", valueName: "name"))
    var agent: String?

    @Option(help: ArgumentHelp("The handler's, which is the kind of work order it takes.", valueName: "name"))
    var handler: String?

    @Option(help: ArgumentHelp("The model's.", valueName: "name"))
    var model: String?

    /// Those that are named.
    ///
    /// - Throws: ``CommandFailure`` with ``ExitStatus/usage`` for a name that no work order can have.
    func named() throws(CommandFailure) -> [BudgetScope] {
        var scopes: [BudgetScope] = []
        let given = [
            (BudgetScope.Kind.project, project), (.agent, agent), (.handler, handler), (.model, model),
        ]
        for (kind, name) in given {
            guard let name else { continue }
            do {
                scopes.append(BudgetScope(kind: kind, name: try FieldRule.text(200).check(name, "--\(kind.rawValue)")))
            } catch {
                throw CommandFailure(error.explanation, status: .usage)
            }
        }
        return scopes
    }

    /// The one that is named, or the org.
    ///
    /// - Throws: ``CommandFailure`` with ``ExitStatus/usage`` when several are.
    func one() throws(CommandFailure) -> BudgetScope {
        let named = try named()
        guard named.count <= 1 else {
            throw CommandFailure(
                "\(named.map { "--\($0.kind.rawValue)" }.joined(separator: " and ")) name different budgets",
                next: "Name one of them; run the command again for the other", status: .usage)
        }
        return named.first ?? .org
    }
}
