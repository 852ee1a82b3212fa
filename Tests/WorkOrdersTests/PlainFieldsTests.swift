import FoundationEssentials
import TestSupport
import Testing

@testable import WorkOrders

/// Nearly every body is read without the decoder. What is read so is what the decoder would have read.
struct PlainFieldsTests {
    private static let values = [
        "null", "true", "0", "-1", "7", "3.0", "3.5", "1e2", "12345678901234567", "123456789012345678901", "0.1",
        "0.0000001", "1000000000", "1000000000.0000001", "-0", "-0.5", #""""#, #""x""#, #""a b é 💩""#, #""a\nb""#,
        #""\ud800""#, #""\u0041""#, #""0.05""#, #""1e2""#, #""0193c2d4-7a00-7000-8000-0123456789ab""#,
        #""2026-01-31T12:00:00Z""#, #""high""#, "[]", "{}", #"["a"]"#, #"["a", "b\t", 1]"#, #"["a",null]"#,
        #"[["a"]]"#, #"{"a":[1,{"b":"}]"}]}"#, #"{"a":"\ud800"}"#, #"{"\ud800":1}"#, "[ \"a\" ,\n\"b\" ]",
    ]
    private static let names =
        WireFields.Keys.allCases.map(\.stringValue) + ["payload", "surprise", #"ki\u006ed"#, #"\ud800"#]

    private static func body(_ generator: inout SplitMix64) -> String {
        var members = ["kind": #""work""#, "title": #""t""#]
        for _ in 0..<Int.random(in: 0...5, using: &generator) {
            members[names.randomElement(using: &generator) ?? ""] = values.randomElement(using: &generator)
        }
        if Int.random(in: 0..<10, using: &generator) == 0 { members["title"] = nil }
        let blank = ["", " ", "\n\t"].randomElement(using: &generator) ?? ""
        return blank + "{" + members.map { "\(blank)\"\($0)\"\(blank):\(blank)\($1)" }.joined(separator: ",\(blank)")
            + blank + "}" + blank
    }

    @Test func `what is read without the decoder is what the decoder reads`() throws {
        var generator = SplitMix64(seed: 7)
        var plain = 0
        for _ in 0..<20_000 {
            let text = Self.body(&generator)
            let body = Array(text.utf8)
            guard JSONSyntax.accepts(body), let fields = WireFields(plain: body) else { continue }
            plain += 1
            let decoded = try JSONDecoder().decode(WireFields.self, from: Data(body))
            guard "\(decoded)" == "\(fields)" else {
                Issue.record("\(text) is read as \(fields), and by the decoder as \(decoded)")
                return
            }
        }
        #expect(plain > 3000, "\(plain) were plain")
    }

    @Test(arguments: [
        #"{"kind":"work","title":"t"}"#,
        #"{"id":"0193c2d4-7a00-7000-8000-0123456789ab","kind":"llm.chat","title":"Ask","project":"a","lane":"llm","#
            + #""estimated_cost_usd":"0.05","max_attempts":3,"metadata":{"a":1},"payload":{"prompt":"a\nb \"c\""}}"#,
    ])
    func `an ordinary body needs no decoder, whatever its payload says`(body: String) {
        #expect(WireFields(plain: Array(body.utf8)) != nil)
    }

    @Test(arguments: [
        "null", "[]", #""kind""#, #"{"kind":"work"}"#, #"{"kind":1,"title":"t"}"#, #"{"kind":null,"title":"t"}"#,
        #"{"kind":"work","title":"a\tb"}"#, #"{"kind":"work","title":"t","max_attempts":1e1}"#,
        #"{"kind":"work","title":"t","metadata":[]}"#, #"{"kind":"work","title":"t","depends_on":[1]}"#,
    ])
    func `what is not plain is left to the decoder`(body: String) {
        #expect(WireFields(plain: Array(body.utf8)) == nil)
    }

    @Test(arguments: [
        "", "{", #"{""#, #"{"a"#, #"{"a\"#, #"{"a":"#, #"{"a":"b\"#, #"{"a":["#, #"{"a":{"b":"#, "{,", "{}}",
    ])
    func `a body that is cut off is read no further than its end`(body: String) {
        #expect(WireFields(plain: Array(body.utf8)) == nil)
    }
}
