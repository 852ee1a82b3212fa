/// Reads the binary form of `numeric` (digits in base 10,000) as exact decimal text, such as `-12.0300`.
enum NumericText {
    static func decode(_ bytes: RawSpan) throws(DecodingFault) -> String {
        let count = Int(try bytes.bigEndian(Int16.self, at: 0))
        let weight = Int(try bytes.bigEndian(Int16.self, at: 2))
        let sign = try bytes.bigEndian(UInt16.self, at: 4)
        let scale = Int(try bytes.bigEndian(Int16.self, at: 6))
        switch sign {
        case 0x0000, 0x4000: break
        case 0xC000: return "NaN"
        case 0xD000: return "Infinity"
        case 0xF000: return "-Infinity"
        default: throw .malformed("numeric with the sign \(sign)")
        }
        guard count >= 0, scale >= 0 else { throw .malformed("numeric with \(count) digits") }

        var groups: [Int] = []
        for index in 0..<count { groups.append(Int(try bytes.bigEndian(Int16.self, at: 8 + 2 * index))) }
        // Position 0 stands for the units; groups the server left out are zero.
        func group(_ position: Int) -> Int {
            let index = weight - position
            return groups.indices.contains(index) ? groups[index] : 0
        }
        func padded(_ group: Int) -> String { String(String(group + 10_000).dropFirst()) }

        var whole = String(weight >= 0 ? group(weight) : 0)
        if weight > 0 { for position in (0..<weight).reversed() { whole += padded(group(position)) } }
        var fraction = ""
        var position = -1
        while fraction.utf8.count < scale {
            fraction += padded(group(position))
            position -= 1
        }
        return (sign == 0x4000 ? "-" : "") + whole + (scale > 0 ? "." + fraction.prefix(scale) : "")
    }
}
