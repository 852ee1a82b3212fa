/// What a field of a message must look like. One place, so that the command line, the consumer and the documents agree.
package enum FieldRule {
    /// A kind: `^[a-z0-9][a-z0-9._-]{0,99}$`.
    case kind
    /// A lane, which is also a routing key and part of a queue's name: `^[a-z0-9][a-z0-9_-]{0,62}$`.
    case lane
    /// Free text of 1 to `n` characters without NUL (Postgres stores no NUL in a text).
    case text(Int)
    /// What orders have in common: 1 to 200 characters, none of them a control character.
    case key

    /// - Returns: the value, if it keeps the rule.
    package func check(_ value: String, _ field: String) throws(InvalidMessage) -> String {
        switch self {
        case .kind:
            guard Self.matches(value, upTo: 100, dots: true) else {
                throw InvalidMessage(.invalidField, "\(field) must match ^[a-z0-9][a-z0-9._-]{0,99}$")
            }
        case .lane:
            guard Self.matches(value, upTo: 63, dots: false) else {
                throw InvalidMessage(.invalidField, "\(field) must match ^[a-z0-9][a-z0-9_-]{0,62}$")
            }
        case .text(let limit):
            guard !value.isEmpty, value.utf8.count <= limit || value.unicodeScalars.count <= limit else {
                throw InvalidMessage(.invalidField, "\(field) must have 1 to \(limit) characters")
            }
            guard !value.utf8.contains(0) else {
                throw InvalidMessage(.invalidField, "\(field) must not contain NUL")
            }
        case .key:
            guard !value.isEmpty, value.unicodeScalars.count <= 200 else {
                throw InvalidMessage(.invalidField, "\(field) must have 1 to 200 characters")
            }
            guard !value.unicodeScalars.contains(where: { $0.value < 0x20 || (0x7F...0x9F).contains($0.value) }) else {
                throw InvalidMessage(.invalidField, "\(field) must not contain control characters")
            }
        }
        return value
    }

    /// A whole number in a range, or absent.
    package static func range(_ allowed: ClosedRange<Int>) -> NumberRule { NumberRule(allowed: allowed) }

    package struct NumberRule {
        let allowed: ClosedRange<Int>

        package func check(_ value: Int?, _ field: String) throws(InvalidMessage) -> Int? {
            guard let value else { return nil }
            guard allowed.contains(value) else {
                throw InvalidMessage(
                    .invalidField, "\(field) must be between \(allowed.lowerBound) and \(allowed.upperBound)")
            }
            return value
        }
    }

    private static func matches(_ value: String, upTo limit: Int, dots: Bool) -> Bool {
        let bytes = value.utf8
        guard let first = bytes.first, isLowerOrDigit(first), bytes.count <= limit else { return false }
        return bytes.allSatisfy { byte in
            isLowerOrDigit(byte) || byte == UInt8(ascii: "_") || byte == UInt8(ascii: "-")
                || (dots && byte == UInt8(ascii: "."))
        }
    }

    private static func isLowerOrDigit(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }
}
