/// Text from outside as Moose keeps it: valid UTF-8 without NUL, so that every table, log and terminal can hold it, and
/// yet the very bytes that came.
///
/// To AMQP any bytes are a text. Those that are UTF-8 without NUL stay as they are. Others become `!escaped:` and the bytes,
/// with `\xHH` for each that can't stand and `\\` for a backslash; so does a text that begins with that mark itself.
/// On their way out they are the bytes they were.
package enum WireText {
    package static let mark = "!escaped:"

    /// What stands for these bytes.
    package static func text(_ bytes: ArraySlice<UInt8>) -> String {
        unsafe bytes.withUnsafeBytes { bytes in unsafe text(bytes) }
    }

    package static func text(_ bytes: [UInt8]) -> String { text(bytes[...]) }

    static func text(_ bytes: UnsafeRawBufferPointer) -> String {
        // Several texts of each delivery come by here, nearly all of them ASCII, which needs no other check.
        if unsafe bytes.allSatisfy({ $0 > 0 && $0 < 0x80 }) {
            let text = unsafe String(decoding: bytes, as: UTF8.self)
            return isMarked(text) ? escaped(Array(text.utf8)) : text
        }
        let bytes = unsafe Array(bytes)
        if !bytes.contains(0), let text = String(validating: bytes, as: UTF8.self), !isMarked(text) { return text }
        return escaped(bytes)
    }

    /// The bytes that a text stands for.
    package static func bytes(_ text: String) -> [UInt8] {
        isMarked(text) ? unescaped(text) ?? Array(text.utf8) : Array(text.utf8)
    }

    private static func isMarked(_ text: String) -> Bool {
        text.utf8.first == UInt8(ascii: "!") && text.utf8.starts(with: mark.utf8)
    }

    private static func escaped(_ bytes: [UInt8]) -> String {
        var result = Array(mark.utf8)
        var parser = Unicode.UTF8.ForwardParser()
        var iterator = bytes.makeIterator()
        var position = 0
        while true {
            switch parser.parseScalar(from: &iterator) {
            case .valid(let scalar):
                for byte in scalar {
                    if byte == UInt8(ascii: "\\") { result.append(byte) }
                    if byte == 0 { append(byte, to: &result) } else { result.append(byte) }
                }
                position += scalar.count
            case .error(let length):
                for byte in bytes[position..<position + length] { append(byte, to: &result) }
                position += length
            case .emptyInput:
                return String(decoding: result, as: UTF8.self)
            }
        }
    }

    private static func append(_ byte: UInt8, to result: inout [UInt8]) {
        let digits = Array("0123456789abcdef".utf8)
        result += [UInt8(ascii: "\\"), UInt8(ascii: "x"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
    }

    /// Nil for a text that only looks as if it were escaped: somebody has written it so.
    private static func unescaped(_ text: String) -> [UInt8]? {
        var result: [UInt8] = []
        var rest = Array(text.utf8)[mark.utf8.count...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "\\") else {
                result.append(byte)
                continue
            }
            switch rest.popFirst() {
            case UInt8(ascii: "\\"): result.append(UInt8(ascii: "\\"))
            case UInt8(ascii: "x"):
                guard let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16), rest.count >= 2
                else { return nil }
                result.append(value)
                rest = rest.dropFirst(2)
            default: return nil
            }
        }
        return result
    }
}
