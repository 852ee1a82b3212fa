/// Why a text is no cron expression.
package struct CronError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The field at fault; nil when it is the expression as a whole.
    package let field: CronField?
    /// The part of the text that is wrong.
    package let text: String
    /// What is wrong with it, and what would be right.
    package let explanation: String

    init(_ field: CronField?, _ text: some StringProtocol, _ explanation: String) {
        self.field = field
        self.text = String(text.prefix(60))
        self.explanation = explanation
    }

    /// There is no tick within the years that are looked ahead.
    package static func tooRare(_ cron: CronExpression) -> CronError {
        CronError(nil, cron.description, "it has no tick in the next eight years")
    }

    package var description: String {
        guard let field, let position = CronField.allCases.firstIndex(of: field) else {
            return "“\(text)” is no cron expression: \(explanation)"
        }
        return "“\(text)” in the \(field.rawValue) (field \(position + 1) of 5): \(explanation)"
    }
}
