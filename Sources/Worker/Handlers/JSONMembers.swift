internal import FoundationEssentials

/// Where the members of a JSON object's top level stand in its bytes.
///
/// It only finds places, so that parts can be added or cut out without re-encoding the rest; it doesn't judge whether
/// the text is JSON all the way down. It doesn't recurse: depth costs no stack.
struct JSONMembers: Equatable {
    struct Member: Equatable {
        let key: String
        /// The value's bytes, without the blanks around it.
        let value: Range<Int>
        /// From the key's quote to the end of the value.
        let whole: Range<Int>
    }

    /// Right behind the opening brace.
    let start: Int
    /// In the order they appear, repeated keys included.
    let members: [Member]

    /// - Returns: nil when the bytes are not shaped like one JSON object.
    init?(_ bytes: [UInt8]) {
        var cursor = Cursor(bytes: bytes)
        cursor.skipBlanks()
        guard cursor.take("{") else { return nil }
        start = cursor.index
        var members: [Member] = []
        cursor.skipBlanks()
        if !cursor.take("}") {
            repeat {
                cursor.skipBlanks()
                let keyStart = cursor.index
                guard cursor.skipString() else { return nil }
                let quoted = bytes[keyStart..<cursor.index]
                // Half a surrogate pair is no text: such a name is nobody's, and stays as it was written.
                let key = Self.text(quoted) ?? String(decoding: quoted, as: UTF8.self)
                cursor.skipBlanks()
                guard cursor.take(":") else { return nil }
                cursor.skipBlanks()
                let valueStart = cursor.index
                guard cursor.skipValue() else { return nil }
                members.append(
                    Member(key: key, value: valueStart..<cursor.index, whole: keyStart..<cursor.index))
                cursor.skipBlanks()
            } while cursor.take(",")
            guard cursor.take("}") else { return nil }
        }
        cursor.skipBlanks()
        guard cursor.index == bytes.count else { return nil }
        self.members = members
    }

    /// The values of a key, in their order: none, one, or more where it stands more than once.
    func values(of key: String) -> [Range<Int>] { members.compactMap { $0.key == key ? $0.value : nil } }

    /// What a JSON string says; nil for another value, and when it holds half a surrogate pair.
    static func text(_ quoted: ArraySlice<UInt8>) -> String? {
        guard quoted.first == UInt8(ascii: "\""), quoted.count > 1 else { return nil }
        guard quoted.contains(UInt8(ascii: "\\")) else {
            return String(decoding: quoted.dropFirst().dropLast(), as: UTF8.self)
        }
        return try? JSONDecoder().decode(String.self, from: Data(quoted))
    }
}

private struct Cursor {
    let bytes: [UInt8]
    var index = 0

    private var current: UInt8? { index < bytes.count ? bytes[index] : nil }

    mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard current == UInt8(ascii: character) else { return false }
        index += 1
        return true
    }

    mutating func skipBlanks() {
        while let byte = current, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { index += 1 }
    }

    mutating func skipString() -> Bool {
        guard take("\"") else { return false }
        while let byte = current {
            index += 1
            if byte == UInt8(ascii: "\"") { return true }
            if byte == UInt8(ascii: "\\") { index += 1 }
        }
        return false
    }

    mutating func skipValue() -> Bool {
        guard let first = current else { return false }
        if first == UInt8(ascii: "\"") { return skipString() }
        guard first == UInt8(ascii: "{") || first == UInt8(ascii: "[") else { return skipScalar() }
        var depth = 0
        while let byte = current {
            switch byte {
            case UInt8(ascii: "\""):
                guard skipString() else { return false }
                continue
            case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"): depth -= 1
            default: break
            }
            index += 1
            if depth == 0 { return true }
        }
        return false
    }

    private mutating func skipScalar() -> Bool {
        let start = index
        while let byte = current, byte > 0x20, byte != UInt8(ascii: ","), byte != UInt8(ascii: "}"),
            byte != UInt8(ascii: "]")
        {
            index += 1
        }
        return index > start
    }
}
