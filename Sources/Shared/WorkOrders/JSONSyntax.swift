/// Checks that bytes are one JSON text by the letter of RFC 8259.
///
/// The decoder forgives what others don't (a comma before a closing brace, for one), and what Moose accepts is handed
/// on as it is: to programs, services and databases that are stricter.
package struct JSONSyntax {
    /// Containers may stand in one another this deep. Default of many readers, and all that the decoder takes.
    package static let depthLimit = 512

    private let bytes: [UInt8]
    private var index = 0
    /// The open containers, outermost first: true for an object.
    private var open: [Bool] = []

    private enum Expectation {
        case value
        case valueOrEnd
        case key
        case keyOrEnd
        case commaOrEnd
    }

    /// Whether the bytes are one JSON value with nothing but blanks around it. They must be valid UTF-8; that is not
    /// checked here. Uses no stack for depth.
    package static func accepts(_ bytes: [UInt8]) -> Bool {
        var syntax = JSONSyntax(bytes: bytes)
        return syntax.check()
    }

    private init(bytes: [UInt8]) { self.bytes = bytes }

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
                guard takeString() else { return false }
                skipBlanks()
                guard take(":") else { return false }
                expectation = .value
            case .commaOrEnd:
                guard let isObject = open.last else { return false }
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
        open.removeLast()
    }

    private mutating func takeValue(_ byte: UInt8) -> Expectation? {
        switch byte {
        case UInt8(ascii: "{"), UInt8(ascii: "["):
            guard open.count < Self.depthLimit else { return nil }
            index += 1
            open.append(byte == UInt8(ascii: "{"))
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
        while index < bytes.count {
            let byte = bytes[index]
            index += 1
            switch byte {
            case UInt8(ascii: "\""): return true
            case UInt8(ascii: "\\"): guard takeEscape() else { return false }
            case 0..<0x20: return false
            default: break
            }
        }
        return false
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
}
