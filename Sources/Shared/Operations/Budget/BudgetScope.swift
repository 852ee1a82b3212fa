/// Whose budget: a kind of scope and a name in it.
package struct BudgetScope: Sendable, Hashable {
    /// What a budget can be of, as the database writes it.
    package enum Kind: String, Sendable, CaseIterable {
        case org, project, agent, handler, model
    }

    package let kind: Kind
    package let name: String

    package init(kind: Kind, name: String) {
        self.kind = kind
        self.name = name
    }

    package static let org = BudgetScope(kind: .org, name: "org")

    /// `org` or `project shop`. The name may be anybody's text.
    package var title: String { Self.title(kind.rawValue, name) }

    /// How a command line names it, with a blank in front; empty for the org.
    package var options: String { kind == .org ? "" : " --\(kind.rawValue) \(name)" }

    /// How the audit log names it.
    package var subject: String { "\(kind.rawValue) \(name)" }

    /// The title of a row of the database, which may know more kinds than this program.
    package static func title(_ scope: String, _ name: String) -> String {
        scope == "org" ? "org" : "\(scope) \(name)"
    }
}
