internal import WorkOrders

/// The amounts people type.
enum AmountArgument {
    /// Dollars as millionths.
    ///
    /// - Throws: ``CommandFailure`` with ``ExitStatus/usage`` when the text is no amount.
    static func parse(_ text: String, for option: String) throws(CommandFailure) -> Int64 {
        if let amount = MicroUSD(decimal: text.hasPrefix("$") ? text.dropFirst() : text[...]) {
            return amount.microdollars
        }
        throw CommandFailure(
            "“\(PrintableText.truncated(PrintableText.oneLine(text), to: 40))” is no amount for \(option)",
            why: "Amounts are plain dollars up to 1000000000, such as 20 or 0.5", status: .usage)
    }
}
