/// A reservation: how much, and whose budgets it counts against.
package struct BudgetPath: Sendable {
    /// Millionths of a dollar.
    package let estimate: Int64
    package let project: String?
    package let agent: String?
    package let handler: String?
    package let model: String?

    package init(estimate: Int64, project: String?, agent: String?, handler: String?, model: String?) {
        self.estimate = estimate
        self.project = project
        self.agent = agent
        self.handler = handler
        self.model = model
    }
}
