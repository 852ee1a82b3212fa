/// What the server answered instead of a result.
package struct ServerError: Error, Hashable {
    /// Five characters by which programs tell errors apart, such as `23505` for a broken unique constraint.
    package let sqlState: String
    package let message: String
    /// May quote values of the row in question: show it to operators, keep it out of shared logs.
    package let detail: String?
    package let hint: String?
    /// The constraint that was broken, when that was the reason.
    package let constraint: String?
    /// Where in which server-side function it happened.
    package let context: String?
    /// True when the server ended the session with this error.
    package let isFatal: Bool

    package init(
        sqlState: String, message: String, detail: String? = nil, hint: String? = nil, constraint: String? = nil,
        context: String? = nil, isFatal: Bool = false
    ) {
        self.sqlState = sqlState
        self.message = message
        self.detail = detail
        self.hint = hint
        self.constraint = constraint
        self.context = context
        self.isFatal = isFatal
    }
}
