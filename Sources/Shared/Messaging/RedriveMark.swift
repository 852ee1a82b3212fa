package import AMQP
package import FoundationEssentials

/// Marks a message as a redrive of a dead letter, so that it finds its letter again should it die once more.
package struct RedriveMark: Sendable, Equatable {
    private static let header = "moose-redrive"

    package let letter: UUID
    /// Counts the redrives of the letter, from 1.
    package let number: Int32

    package init(letter: UUID, number: Int32) {
        self.letter = letter
        self.number = number
    }

    /// Nil where there is none.
    package init?(_ headers: FieldTable) {
        guard case .string(let text)? = headers[Self.header] else { return nil }
        let parts = text.split(separator: ":")
        guard parts.count == 2, let letter = UUID(uuidString: String(parts[0])), let number = Int32(parts[1]) else {
            return nil
        }
        self.init(letter: letter, number: number)
    }

    /// The header with this mark.
    package var headers: FieldTable { [Self.header: .string("\(letter.uuidString.lowercased()):\(number)")] }
}
