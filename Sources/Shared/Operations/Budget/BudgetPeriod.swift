/// How long a budget runs before it starts anew, as the database writes it.
package enum BudgetPeriod: String, Sendable {
    case day, month, total
}
