internal import Operations

extension BudgetWindowShift {
    /// A paragraph for people.
    func text(from old: String, to new: String) -> String {
        """
        The window that ran since \(oldStart) \(old) ends here; its \(MoneyText.dollars(oldUsed)) stay counted in it.
        The window from \(newStart) to \(newEnd) \(new) runs instead, with \(MoneyText.dollars(newUsed)) used so far.

        """
    }
}
