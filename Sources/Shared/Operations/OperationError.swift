/// Why a question or an action came to nothing. What the servers themselves say passes as an error of their clients,
/// such as `PostgresError`.
///
/// The texts are for people. They quote names that may be anybody's: a face that writes to a terminal or into a page
/// makes them harmless there.
package struct OperationError: Error, Equatable {
    package enum Kind: Sendable {
        /// There is nothing of that name or id.
        case notFound
        /// A rule, or how things stand now, says no. Nothing was changed.
        case refused
        /// It can't be meant, however things stand. Nothing was changed.
        case invalid
        /// It was tried and did not work out; the same again may.
        case failed
    }

    package let kind: Kind
    /// What is wrong, such as `there is no schedule “nightly”`.
    package let what: String
    /// The reason, where ``what`` doesn't say it.
    package let why: String?
    /// What to do next, such as a command to run.
    package let next: String?

    package init(_ kind: Kind, _ what: String, why: String? = nil, next: String? = nil) {
        self.kind = kind
        self.what = what
        self.why = why
        self.next = next
    }
}

extension OperationError: CustomStringConvertible {
    package var description: String { [what, why, next].compactMap { $0 }.joined(separator: ". ") }
}
