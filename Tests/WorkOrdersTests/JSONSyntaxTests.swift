import FoundationEssentials
import TestSupport
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

    @Test(arguments: [
        (#"{"a":1,"a":1}"#, "a"), (#"{"a":1,"b":2,"\u0061":3}"#, "a"),
        (#"{"budget":1,"\u0062udg\u0065t":2}"#, "budget"),
        (#"{"p":{"q":[{"x":1,"y":{"z":1,"z":2}}]}}"#, "p.q.y.z"), (#"[{"a":0},{"b":1,"b":2}]"#, "b"),
        (#"{"":1,"":2}"#, ""), (#"{"ü":1,"\u00fc":2}"#, "ü"), (#"{"🫎":1,"\ud83e\udece":2}"#, "🫎"),
        (#"{"\ud800":1,"\uD800":2}"#, "\u{FFFD}"), (#"{"a\/":1,"a/":2}"#, "a/"), (#"{"a":{},"a":{}}"#, "a"),
        (#"{"a":{"b":1},"c":{"b":1,"d":2,"d":3}}"#, "c.d"), (#"{"a\n":1,"a\u000a":2}"#, "a\u{FFFD}"),
    ])
    func `a name that stands twice in an object is found and named`(text: String, name: String) {
        let fault = JSONSyntax.fault(in: Array(text.utf8))
        guard case .repeatedName(let found) = fault else {
            Issue.record("\(text): \(String(describing: fault))")
            return
        }
        #expect(found.replacing("\u{FFFD}\u{FFFD}\u{FFFD}", with: "\u{FFFD}") == name)
    }

    @Test(arguments: [
        #"{"a":{"a":{"a":1}}}"#, #"[{"a":1},{"a":1}]"#, #"{"a":"a","b":"a"}"#, #"{"a":1,"A":2}"#, #"{"a":1,"a ":2}"#,
        #"{"\ud800":1,"\ud801":2}"#, #"{"a":1,"\u0000":2,"\u00001":3}"#, #"{"e\u0301":1,"\u00e9":2}"#,
        #"{"\\u0061":1,"a":2}"#,
        #"{"x":{"a":1,"b":2},"a":1,"b":2}"#,
    ])
    func `names that differ, or stand in different objects, are no repetition`(text: String) {
        #expect(JSONSyntax.accepts(Array(text.utf8)))
    }

    @Test func `what isn't JSON further on is malformed, whatever stands twice before`() {
        #expect(JSONSyntax.fault(in: Array(#"{"a":{"b":1,"b":2},}"#.utf8)) == .malformed)
    }

    @Test(arguments: [2, 3, 15, 16, 17, 18, 40, 1000])
    func `one of many names that stands twice is found wherever it stands`(count: Int) {
        var generator = SplitMix64(seed: UInt64(count))
        for _ in 0..<20 {
            var names = (0..<count).map { "n\($0)" }
            names.shuffle(using: &generator)
            let (from, to) = (
                Int.random(in: 0..<count, using: &generator), Int.random(in: 0...count, using: &generator)
            )
            func object(_ names: [String]) -> [UInt8] {
                Array(("{" + names.map { "\"\($0)\":0" }.joined(separator: ",") + "}").utf8)
            }
            #expect(JSONSyntax.accepts(object(names)))
            let name = names[from]
            names.insert(name, at: to)
            #expect(JSONSyntax.fault(in: object(names)) == .repeatedName(name))
        }
    }

    @Test(.timeLimit(.minutes(1))) func `a hundred thousand names are compared in no time to speak of`() {
        // Of one length, with a long beginning in common: each with each would take hours.
        let names = (0..<100_000).map { "\"a-long-beginning-in-common-\(100_000 + $0)\":0" }
        #expect(JSONSyntax.accepts(Array(("{" + names.joined(separator: ",") + "}").utf8)))
        let twice = "{" + names.joined(separator: ",") + "," + names[77] + "}"
        #expect(JSONSyntax.fault(in: Array(twice.utf8)) == .repeatedName("a-long-beginning-in-common-100077"))
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
        var generator = SplitMix64(seed: 99)
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
