/// A number in any of the forms in which programs print one: `0.05`, `.05`, `5.`, `+0.05`, `5e-02`, with blanks or a byte
/// order mark around it. Exact for any number of digits and any exponent.
package struct DecimalText {
    private let isNegative: Bool
    /// Without the zeros in front.
    private var digits: [UInt8] = []
    /// Before which of the digits the point stands; negative: so many zeros stand between the point and the first.
    private var pointAfter = 0

    /// - Returns: nil for whatever is no number, such as two of them, `NaN` or `$5`.
    package init?(_ text: String) {
        var rest = Self.trimmed(text.utf8[...])
        isNegative = rest.first == UInt8(ascii: "-")
        if isNegative || rest.first == UInt8(ascii: "+") { rest.removeFirst() }
        guard takeDigits(&rest) else { return nil }
        if rest.first == UInt8(ascii: "e") || rest.first == UInt8(ascii: "E") {
            rest.removeFirst()
            guard let exponent = Self.exponent(&rest) else { return nil }
            pointAfter += exponent
        }
        guard rest.isEmpty else { return nil }
    }

    /// The number times ten to the power of `places`, rounded up to a whole one.
    ///
    /// - Returns: nil for a negative number, and for one of more than 18 digits.
    package func scaled(by places: Int) -> (value: Int64, isExact: Bool)? {
        guard !digits.isEmpty else { return (0, true) }
        let whole = pointAfter + places
        guard !isNegative, whole <= 18 else { return nil }
        guard whole >= 0 else { return (1, false) }
        var value: Int64 = 0
        for place in 0..<whole { value = value * 10 + (place < digits.count ? Int64(digits[place]) : 0) }
        let isExact = !digits.dropFirst(whole).contains { $0 > 0 }
        return (isExact ? value : value + 1, isExact)
    }

    /// Takes `12`, `12.5`, `12.` or `.5` from the front; false without a digit.
    private mutating func takeDigits(_ rest: inout Substring.UTF8View) -> Bool {
        var count = 0
        var isBehindPoint = false
        while let byte = rest.first {
            if let digit = Self.digit(byte) {
                count += 1
                if digit > 0 || !digits.isEmpty { digits.append(digit) }
                if isBehindPoint {
                    if digits.isEmpty { pointAfter -= 1 }
                } else if !digits.isEmpty {
                    pointAfter += 1
                }
            } else if byte == UInt8(ascii: "."), !isBehindPoint {
                isBehindPoint = true
            } else {
                break
            }
            rest.removeFirst()
        }
        return count > 0
    }

    /// At most a million either way: beyond it every number is nothing or too much.
    private static func exponent(_ rest: inout Substring.UTF8View) -> Int? {
        let isNegative = rest.first == UInt8(ascii: "-")
        if isNegative || rest.first == UInt8(ascii: "+") { rest.removeFirst() }
        var value = 0
        var count = 0
        while let digit = rest.first.flatMap(digit) {
            rest.removeFirst()
            count += 1
            value = min(value * 10 + Int(digit), 1_000_000)
        }
        return count > 0 ? (isNegative ? -value : value) : nil
    }

    private static func digit(_ byte: UInt8) -> UInt8? {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) ? byte - UInt8(ascii: "0") : nil
    }

    /// Without blanks and byte order marks at the ends.
    private static func trimmed(_ text: Substring.UTF8View) -> Substring.UTF8View {
        // A mark, and the blank that doesn't break.
        let edges: [[UInt8]] = [[0xEF, 0xBB, 0xBF], [0xC2, 0xA0]]
        let isBlank = { (byte: UInt8) in byte == 0x20 || (0x09...0x0D).contains(byte) }
        var rest = text
        while true {
            if let first = rest.first, isBlank(first) {
                rest.removeFirst()
            } else if let last = rest.last, isBlank(last) {
                rest.removeLast()
            } else if let edge = edges.first(where: { rest.starts(with: $0) }) {
                rest.removeFirst(edge.count)
            } else if let edge = edges.first(where: { rest.suffix($0.count).elementsEqual($0) }) {
                rest.removeLast(edge.count)
            } else {
                return rest
            }
        }
    }
}
