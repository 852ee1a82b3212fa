import FoundationEssentials
import Testing
import WorkOrders

struct JSONSyntaxTests {
    @Test(arguments: [
        "{}", "[]", "0", "-0", "-0.5e+10", "1E5", "12.50", "true", "false", "null", "\"\"", " \t\r\n[ 1 , 2 ] ",
        #"{"a":{"b":[{},[],null]},"c":"\u00fc\n\/\\\""}"#, "\"\u{7F}ü🫎\"", #""\ud800""#, #"{"":{"":""}}"#,
    ])
    func `JSON is accepted`(text: String) {
        #expect(JSONSyntax.accepts(Array(text.utf8)))
    }

    @Test(arguments: [
        "", " ", "{", "}", "[", "]", "[}", "{]", "{}{}", "{} x", "[1,]", "[,1]", "[1 2]", "{,}", "{\"a\":1,}",
        "{\"a\"}",
        "{\"a\":}", "{\"a\" 1}", "{a:1}", "{1:1}", "{'a':1}", "01", "-", "+1", "1.", ".5", "1e", "1e+", "0x1", "NaN",
        "Infinity", "tru", "TRUE", "nul", "\"", "\"\n\"", "\"\u{0}\"", #""\x""#, #""\u12g4""#, #""\u12"#, #""\"#,
        "// c\n1",
        "/**/1", "\u{FEFF}1", "1\u{0}", "\u{A0}1",
    ])
    func `what is not JSON to the letter is refused`(text: String) {
        #expect(!JSONSyntax.accepts(Array(text.utf8)))
    }

    @Test func `depth ends at its limit and costs no stack`() {
        func nested(_ depth: Int) -> [UInt8] {
            [UInt8](repeating: UInt8(ascii: "["), count: depth) + [UInt8](repeating: UInt8(ascii: "]"), count: depth)
        }
        #expect(JSONSyntax.accepts(nested(JSONSyntax.depthLimit)))
        #expect(!JSONSyntax.accepts(nested(JSONSyntax.depthLimit + 1)))
        #expect(!JSONSyntax.accepts(nested(1_000_000)))
    }

    @Test func `what it accepts, the decoder reads`() throws {
        struct Anything: Decodable { init(from decoder: any Decoder) throws {} }
        let pieces = ["{", "}", "[", "]", ",", ":", "\"a\"", "1", "-", ".5", "e3", "null", "true", " ", "\\"]
        var generator = SeededGenerator(seed: 99)
        var accepted = 0
        for _ in 0..<200_000 {
            let text = (0..<Int.random(in: 1...9, using: &generator)).map { _ in
                pieces[Int.random(in: pieces.indices, using: &generator)]
            }.joined()
            guard JSONSyntax.accepts(Array(text.utf8)) else { continue }
            accepted += 1
            _ = try JSONDecoder().decode(Anything.self, from: Data(text.utf8))
        }
        #expect(accepted > 1000)
    }
}
