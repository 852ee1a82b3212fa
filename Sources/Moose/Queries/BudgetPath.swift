/// A reservation: how much, and whose budgets it counts against.
struct BudgetPath: Sendable {
    /// Millionths of a dollar.
    let estimate: Int64
    let project: String?
    let agent: String?
    let handler: String?
    let model: String?
}
