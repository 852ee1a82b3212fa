/// Whose budget: a kind of scope and a name in it.
struct BudgetScope: Sendable, Hashable {
    /// What a budget can be of, as the database writes it.
    enum Kind: String, Sendable, CaseIterable {
        case org, project, agent, handler, model
    }

    let kind: Kind
    let name: String

    static let org = BudgetScope(kind: .org, name: "org")

    /// `org` or `project shop`, on one line.
    var title: String { kind == .org ? "org" : PrintableText.oneLine("\(kind.rawValue) \(name)") }

    /// How a command line names it, with a blank in front; empty for the org.
    var options: String { kind == .org ? "" : PrintableText.oneLine(" --\(kind.rawValue) \(name)") }

    /// How the audit log names it.
    var subject: String { "\(kind.rawValue) \(name)" }

    /// The title of a row of the database, which may know more kinds than this program.
    static func title(_ scope: String, _ name: String) -> String {
        scope == "org" ? "org" : PrintableText.oneLine("\(scope) \(name)")
    }
}
