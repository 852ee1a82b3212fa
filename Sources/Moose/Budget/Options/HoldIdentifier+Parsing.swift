internal import Operations

extension HoldIdentifier {
    /// Reads `id`, `id/token` or `id/token/number`.
    ///
    /// - Throws: ``CommandFailure`` with ``ExitStatus/usage`` when the text names no hold.
    init(parsing text: String) throws(CommandFailure) {
        guard let identifier = HoldIdentifier(text) else {
            throw CommandFailure(
                "“\(PrintableText.truncated(PrintableText.oneLine(text), to: 60))” names no hold",
                why: "It takes the id of a work order or a reservation, or id/token, or id/token/number",
                next: "`moose work-orders list` shows work orders", status: .usage)
        }
        self = identifier
    }
}
