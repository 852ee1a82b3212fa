/// Checks that bytes are one JSON text by the letter of RFC 8259, in which no object names a member twice.
///
/// The decoder forgives what others don't (a comma before a closing brace, for one), and what Moose accepts is handed
/// on as it is: to programs, services and databases that are stricter. Of a name that stands twice some readers take the
/// first value and some the last: what one of them checks is then not what the other does.
package struct JSONSyntax {
    /// Containers may stand in one another this deep. Default of many readers, and all that the decoder takes.
    package static let depthLimit = 512

    private let bytes: [UInt8]
    private var index = 0
    /// The open containers, outermost first.
    private var open: [Container] = []
    /// The names of their members so far, those of the outermost first.
    private var names: [Name] = []
    /// Names that were written with escapes, as what they say.
    private var unescaped: [UInt8] = []
    private var sawEscape = false
    private var repeated: JSONFault?

    private struct Container {
        let isObject: Bool
        /// Where its names begin.
        let firstName: Int
    }

    /// A member's name without its quotes, in ``bytes`` or in ``unescaped``.
    private struct Name {
        let start: Int
        let count: Int
        let isUnescaped: Bool
    }

    private enum Expectation {
        case value
        case valueOrEnd
        case key
        case keyOrEnd
        case commaOrEnd
    }

    /// Whether the bytes are one JSON value with nothing but blanks around it, and name no member twice. They must be
    /// valid UTF-8; that is not checked here. Uses no stack for depth.
    package static func accepts(_ bytes: [UInt8]) -> Bool { fault(in: bytes) == nil }

    /// What keeps the bytes from being accepted; a member that stands twice only where all else is right. Nil: nothing.
    package static func fault(in bytes: [UInt8]) -> JSONFault? {
        var syntax = JSONSyntax(bytes: bytes)
        return syntax.check() ? syntax.repeated : .malformed
    }

    private init(bytes: [UInt8]) {
        self.bytes = bytes
        // Enough for nearly all there is, at the price of one allocation each.
        open.reserveCapacity(8)
        names.reserveCapacity(24)
    }

    private mutating func check() -> Bool {
        var expectation = Expectation.value
        while true {
            skipBlanks()
            guard index < bytes.count else { return false }
            let byte = bytes[index]
            switch expectation {
            case .valueOrEnd where byte == UInt8(ascii: "]"), .keyOrEnd where byte == UInt8(ascii: "}"):
                close()
                expectation = .commaOrEnd
            case .value, .valueOrEnd:
                guard let next = takeValue(byte) else { return false }
                expectation = next
            case .key, .keyOrEnd:
                guard takeName() else { return false }
                skipBlanks()
                guard take(":") else { return false }
                expectation = .value
            case .commaOrEnd:
                guard let isObject = open.last?.isObject else { return false }
                if byte == UInt8(ascii: ",") {
                    index += 1
                    expectation = isObject ? .key : .value
                } else {
                    guard byte == (isObject ? UInt8(ascii: "}") : UInt8(ascii: "]")) else { return false }
                    close()
                }
            }
            if open.isEmpty, expectation == .commaOrEnd {
                skipBlanks()
                return index == bytes.count
            }
        }
    }

    private mutating func close() {
        index += 1
        guard let closed = open.last else { return }
        if closed.isObject {
            if repeated == nil, let name = repeatedName(from: closed.firstName) {
                repeated = .repeatedName(path(to: name))
            }
            names.removeLast(names.count - closed.firstName)
        }
        open.removeLast()
    }

    private mutating func takeValue(_ byte: UInt8) -> Expectation? {
        switch byte {
        case UInt8(ascii: "{"), UInt8(ascii: "["):
            guard open.count < Self.depthLimit else { return nil }
            index += 1
            open.append(Container(isObject: byte == UInt8(ascii: "{"), firstName: names.count))
            return byte == UInt8(ascii: "{") ? .keyOrEnd : .valueOrEnd
        case UInt8(ascii: "\""): return takeString() ? .commaOrEnd : nil
        case UInt8(ascii: "t"): return take("true") ? .commaOrEnd : nil
        case UInt8(ascii: "f"): return take("false") ? .commaOrEnd : nil
        case UInt8(ascii: "n"): return take("null") ? .commaOrEnd : nil
        default: return takeNumber() ? .commaOrEnd : nil
        }
    }

    private mutating func skipBlanks() {
        while index < bytes.count {
            switch bytes[index] {
            case 0x20, 0x0A, 0x0D, 0x09: index += 1
            default: return
            }
        }
    }

    private mutating func take(_ text: StaticString) -> Bool {
        text.withUTF8Buffer { wanted in
            guard bytes.count - index >= wanted.count else { return false }
            for offset in wanted.indices {
                guard unsafe bytes[index + offset] == wanted[offset] else { return false }
            }
            index += wanted.count
            return true
        }
    }

    private mutating func takeString() -> Bool {
        guard take("\"") else { return false }
        while true {
            index = PlainText.end(in: bytes, from: index)
            guard index < bytes.count else { return false }
            let byte = bytes[index]
            index += 1
            switch byte {
            case UInt8(ascii: "\""): return true
            case UInt8(ascii: "\\"):
                sawEscape = true
                guard takeEscape() else { return false }
            default: return false
            }
        }
    }

    private mutating func takeName() -> Bool {
        let start = index + 1
        sawEscape = false
        guard takeString() else { return false }
        if sawEscape {
            let before = unescaped.count
            JSONEscapes.append(bytes[start..<(index - 1)], to: &unescaped)
            names.append(Name(start: before, count: unescaped.count - before, isUnescaped: true))
        } else {
            names.append(Name(start: start, count: index - 1 - start, isUnescaped: false))
        }
        return true
    }

    private mutating func takeEscape() -> Bool {
        guard index < bytes.count else { return false }
        let byte = bytes[index]
        index += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "b"), UInt8(ascii: "f"),
            UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"):
            return true
        case UInt8(ascii: "u"):
            guard bytes.count - index >= 4 else { return false }
            for offset in 0..<4 where !Self.isHexadecimal(bytes[index + offset]) { return false }
            index += 4
            return true
        default: return false
        }
    }

    private mutating func takeNumber() -> Bool {
        _ = take("-")
        if !take("0") { guard takeDigits() else { return false } }
        if take(".") { guard takeDigits() else { return false } }
        if take("e") || take("E") {
            if !take("+") { _ = take("-") }
            return takeDigits()
        }
        return true
    }

    private mutating func takeDigits() -> Bool {
        let start = index
        while index < bytes.count, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(bytes[index]) { index += 1 }
        return index > start
    }

    private static func isHexadecimal(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "f"),
            UInt8(ascii: "A")...UInt8(ascii: "F"):
            true
        default: false
        }
    }

    // MARK: - Names

    /// Up to so many names of an object are compared with each other; more are brought in order first.
    private static let comparedPlainly = 16

    /// One of the names from there to the end that stands among them twice.
    private func repeatedName(from first: Int) -> Name? {
        guard names.count - first > 1 else { return nil }
        if names.count - first <= Self.comparedPlainly {
            for later in (first + 1)..<names.count {
                for earlier in first..<later where isSame(names[earlier], names[later]) { return names[later] }
            }
            return nil
        }
        let sorted = names[first...].sorted(by: isBefore)
        for later in sorted.indices.dropFirst() where isSame(sorted[later - 1], sorted[later]) { return sorted[later] }
        return nil
    }

    private func isSame(_ left: Name, _ right: Name) -> Bool {
        guard left.count == right.count else { return false }
        for offset in 0..<left.count where byte(offset, of: left) != byte(offset, of: right) { return false }
        return true
    }

    private func isBefore(_ left: Name, _ right: Name) -> Bool {
        guard left.count == right.count else { return left.count < right.count }
        for offset in 0..<left.count {
            let (one, other) = (byte(offset, of: left), byte(offset, of: right))
            if one != other { return one < other }
        }
        return false
    }

    private func byte(_ offset: Int, of name: Name) -> UInt8 {
        name.isUnescaped ? unescaped[name.start + offset] : bytes[name.start + offset]
    }

    /// The names that lead to an object's member, for a person: the innermost ones, shortened.
    private func path(to name: Name) -> String {
        var way: [Name] = []
        for container in open.dropFirst() where container.firstName > 0 {
            let owner = names[container.firstName - 1]
            // A list in a list has no name of its own.
            if owner.start != way.last?.start || owner.isUnescaped != way.last?.isUnescaped { way.append(owner) }
        }
        return (way.suffix(4) + [name]).map(text).joined(separator: ".")
    }

    private func text(_ name: Name) -> String {
        let all = name.isUnescaped ? unescaped[name.start...] : bytes[name.start...]
        let words = String(decoding: all.prefix(min(name.count, 60)), as: UTF8.self)
        return String(String.UnicodeScalarView(words.unicodeScalars.map { $0.value < 0x20 ? "\u{FFFD}" : $0 }))
    }
}
