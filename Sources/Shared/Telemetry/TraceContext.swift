/// The place of one piece of work in a trace, as W3C Trace Context carries it in `traceparent`.
package struct TraceContext: Sendable, Equatable, Hashable {
    /// The upper half of the trace's id.
    package let traceHigh: UInt64
    /// The lower half of the trace's id; never zero together with the upper half.
    package let traceLow: UInt64
    /// The id of this step, the parent of the next; never zero.
    package let spanID: UInt64
    /// Whether the trace's starter wants it recorded.
    package let isSampled: Bool

    /// A new trace with its first step.
    package static func generate() -> TraceContext {
        var generator = SystemRandomNumberGenerator()
        return generate(using: &generator)
    }

    /// A new trace with its first step, from these random numbers.
    package static func generate(using generator: inout some RandomNumberGenerator) -> TraceContext {
        TraceContext(
            traceHigh: .random(in: 1...UInt64.max, using: &generator),
            traceLow: .random(in: 0...UInt64.max, using: &generator),
            spanID: .random(in: 1...UInt64.max, using: &generator),
            isSampled: true
        )
    }

    /// The context of a step below this one, in the same trace.
    package func makeChild() -> TraceContext {
        TraceContext(
            traceHigh: traceHigh,
            traceLow: traceLow,
            spanID: .random(in: 1...UInt64.max),
            isSampled: isSampled
        )
    }

    /// The `traceparent` of version 00.
    package var traceparent: String {
        "00-\(traceID)-\(Self.hex(spanID))-\(isSampled ? "01" : "00")"
    }

    /// The trace's id as 32 hexadecimal digits.
    package var traceID: String {
        Self.hex(traceHigh) + Self.hex(traceLow)
    }

    private static func hex(_ value: UInt64) -> String {
        let digits = String(value, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}

extension TraceContext {
    /// Reads a `traceparent`; nil when it is malformed, so that the work starts a trace of its own instead.
    /// Unknown later versions are read by the rules of version 00, as the standard asks.
    package init?(traceparent: String) {
        let bytes = Array(traceparent.utf8)
        let dash = UInt8(ascii: "-")
        guard bytes.count >= 55, bytes[2] == dash, bytes[35] == dash, bytes[52] == dash else { return nil }
        guard let version = Self.number(bytes[0..<2]), version != 0xFF else { return nil }
        guard bytes.count == 55 || (version > 0 && bytes[55] == dash) else { return nil }
        guard let high = Self.number(bytes[3..<19]), let low = Self.number(bytes[19..<35]), high != 0 || low != 0,
            let span = Self.number(bytes[36..<52]), span != 0, let flags = Self.number(bytes[53..<55])
        else { return nil }
        self.init(traceHigh: high, traceLow: low, spanID: span, isSampled: flags & 1 == 1)
    }

    /// The value of lowercase hexadecimal digits, at most 16 of them.
    private static func number(_ digits: ArraySlice<UInt8>) -> UInt64? {
        var value: UInt64 = 0
        for digit in digits {
            switch digit {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): value = value << 4 | UInt64(digit - UInt8(ascii: "0"))
            case UInt8(ascii: "a")...UInt8(ascii: "f"): value = value << 4 | UInt64(digit - UInt8(ascii: "a") + 10)
            default: return nil
            }
        }
        return value
    }
}
