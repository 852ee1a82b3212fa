package import AMQP
internal import Crypto
package import FoundationEssentials

/// Marks a message as a redrive of a dead letter, so that it finds its letter again should it die once more.
///
/// Its seal is a digest of the body and of a key that only the database tells, another one for each redrive: nobody else
/// can write a mark, and copied to another message it is worth nothing.
package struct RedriveMark: Sendable, Equatable {
    private static let header = "moose-redrive"

    package let letter: UUID
    /// Counts the redrives of the letter, from 1.
    package let number: Int32
    /// 32 bytes.
    package let seal: [UInt8]

    package init(letter: UUID, number: Int32, key: UUID, body: [UInt8]) {
        self.letter = letter
        self.number = number
        let key = unsafe withUnsafeBytes(of: key.uuid) { unsafe Array($0) }
        seal = Array(SHA256.hash(data: key + SHA256.hash(data: body)))
    }

    /// Nil where there is none.
    package init?(_ headers: FieldTable) {
        guard case .string(let text)? = headers[Self.header] else { return nil }
        let parts = text.split(separator: ":")
        guard parts.count == 3, let letter = UUID(uuidString: String(parts[0])), let number = Int32(parts[1]),
            let seal = Self.bytes(parts[2])
        else { return nil }
        self.letter = letter
        self.number = number
        self.seal = seal
    }

    /// The header with this mark.
    package var headers: FieldTable {
        let digits = seal.map { byte in (byte < 16 ? "0" : "") + String(byte, radix: 16) }.joined()
        return [Self.header: .string("\(letter.uuidString.lowercased()):\(number):\(digits)")]
    }

    private static func bytes(_ text: Substring) -> [UInt8]? {
        let digits = Array(text.utf8)
        guard digits.count == 64 else { return nil }
        var bytes: [UInt8] = []
        for index in stride(from: 0, to: 64, by: 2) {
            guard let byte = UInt8(String(decoding: digits[index..<index + 2], as: UTF8.self), radix: 16) else {
                return nil
            }
            bytes.append(byte)
        }
        return bytes
    }
}
