import Testing

@testable import WorkOrders

/// Where the plain part of a string ends, eight bytes at a time, is where it ends byte by byte.
struct PlainTextTests {
    private static func isPlain(_ byte: UInt8) -> Bool { byte >= 0x20 && byte != 0x22 && byte != 0x5C }

    @Test func `each byte at each place of a word, with each kind of byte before and behind, is found or passed`() {
        let neighbours: [UInt8] = [0x00, 0x1F, 0x20, 0x21, 0x22, 0x23, 0x5B, 0x5C, 0x5D, 0x7F, 0x80, 0xA2, 0xDC, 0xFF]
        for byte in UInt8.min...UInt8.max {
            for place in 0..<19 {
                for neighbour in neighbours {
                    var bytes = [UInt8](repeating: neighbour, count: 19)
                    bytes[place] = byte
                    for start in [0, 3, place] {
                        let expected = bytes[start...].firstIndex { !Self.isPlain($0) } ?? bytes.count
                        guard PlainText.end(in: bytes, from: start) == expected else {
                            Issue.record("of \(bytes) from \(start) the end is \(expected)")
                            return
                        }
                    }
                }
            }
        }
    }

    @Test(arguments: 0...17) func `what has no end goes to the last byte`(count: Int) {
        #expect(PlainText.end(in: [UInt8](repeating: 0x61, count: count), from: 0) == count)
        #expect(PlainText.end(in: [UInt8](repeating: 0xFE, count: count), from: count) == count)
    }
}
