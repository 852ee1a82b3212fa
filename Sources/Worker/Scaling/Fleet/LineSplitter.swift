/// Cuts a stream of bytes into lines. Pure.
struct LineSplitter {
    /// A longer line is passed on in pieces, so that memory stays bounded.
    static let longest = 65_536
    private var rest: [UInt8] = []

    /// Takes what came and returns the lines that are whole now, without their line breaks; empty ones are left out.
    mutating func take(_ bytes: some Sequence<UInt8>) -> [String] {
        var lines: [String] = []
        for byte in bytes {
            if byte == UInt8(ascii: "\n") {
                flush(into: &lines)
            } else {
                rest.append(byte)
                if rest.count >= Self.longest { flush(into: &lines) }
            }
        }
        return lines
    }

    /// The last line, if it had no line break.
    mutating func end() -> String? {
        var lines: [String] = []
        flush(into: &lines)
        return lines.first
    }

    private mutating func flush(into lines: inout [String]) {
        if !rest.isEmpty { lines.append(String(decoding: rest, as: UTF8.self)) }
        rest.removeAll(keepingCapacity: true)
    }
}
