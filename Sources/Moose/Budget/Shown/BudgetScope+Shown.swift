internal import Operations

extension BudgetScope {
    /// `org` or `project shop`, on one line of a terminal.
    var shown: String { PrintableText.oneLine(title) }

    /// ``options`` on one line of a terminal.
    var shownOptions: String { PrintableText.oneLine(options) }
}
