import TestSupport
import Testing

@testable import AMQP

struct WireTextTests {
    /// What AMQP calls a text, and PostgreSQL doesn't.
    static let strange: [[UInt8]] = [
        [0], Array("a\0b".utf8), [0xff], [0xc3], Array("corr-".utf8) + [0xe4], [0xed, 0xa0, 0x80],
        Array("\\x00 and \\".utf8) + [0], Array("!escaped:".utf8), Array("!escaped:a\\x00".utf8),
        [0xf0, 0x9f, 0x92], Array("ä\u{1F4A9}".utf8) + [0xfe, 0], [UInt8](repeating: 0x80, count: 255),
    ]

    @Test(arguments: strange) func `bytes that are no text for others become one, and come back as they were`(
        _ bytes: [UInt8]
    ) {
        let text = WireText.text(bytes)
        #expect(!text.utf8.contains(0) && !text.contains("\u{FFFD}") && text.hasPrefix(WireText.mark))
        #expect(WireText.bytes(text) == bytes)
    }

    @Test func `any bytes come back as they were, and different ones are different texts`() {
        var generator = SplitMix64(seed: 20_261)
        var texts: [String: [UInt8]] = [:]
        for _ in 0..<20_000 {
            let bytes = (0..<Int.random(in: 0...12, using: &generator)).map { _ in
                [0, 0x5c, 0x78, 0x30, 0xc3, 0xa4, 0xff, 0x61].randomElement(using: &generator) ?? 0 as UInt8
            }
            let text = WireText.text(bytes)
            #expect(WireText.bytes(text) == bytes && !text.utf8.contains(0))
            #expect(texts.updateValue(bytes, forKey: text).map { $0 == bytes } ?? true)
        }
    }

    @Test(arguments: ["", "plain", "ä\n\u{1F4A9}", "back\\slash", "!escape"]) func `what is a text stays as it is`(
        _ text: String
    ) {
        #expect(WireText.text(Array(text.utf8)) == text)
        #expect(WireText.bytes(text) == Array(text.utf8))
    }

    @Test(arguments: ["!escaped:\\", "!escaped:\\x", "!escaped:\\x0", "!escaped:\\xzz", "!escaped:\\n"])
    func `a text that somebody wrote with the mark is sent as it is`(_ text: String) {
        #expect(WireText.bytes(text) == Array(text.utf8))
    }
}
