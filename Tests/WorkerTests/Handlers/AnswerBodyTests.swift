import FoundationEssentials
import Testing
import WorkOrders

@testable import Worker

/// Answers in encodings and charsets, as services send them whatever was asked for.
struct AnswerBodyTests {
    private func body(
        _ bytes: [UInt8], _ encodings: [String] = [], type: String? = nil, limit: Int = 1_048_576
    ) -> AnswerBody {
        AnswerBody(bytes, encodings: encodings, contentType: type, limit: limit)
    }

    private func text(_ body: AnswerBody) -> String? { body.result.map { String(decoding: $0, as: UTF8.self) } }

    /// `{"cost_usd":"0.01"}`.
    private static let gzip = [UInt8](
        Data(base64Encoded: "H4sIAAAAAAACA6tWSs4vLokvLU5RslIy0DMwVKoFAGipbcgTAAAA") ?? Data())
    private static let deflate = [UInt8](Data(base64Encoded: "eJyrVkrOLy6JLy1OUbJSMtAzMFSqBQBBYgXe") ?? Data())
    /// Without the frame that `deflate` should have.
    private static let raw = [UInt8](Data(base64Encoded: "q1ZKzi8uiS8tTlGyUjLQMzBUqgUA") ?? Data())
    private static let twoMembers = [UInt8](
        Data(base64Encoded: "H4sIAAAAAAACA6tWSs4vLokHAMQzgGIHAAAAH4sIAAAAAAACAystTlGyUjLQMzBUqgUAOcfXvgwAAAA=")
            ?? Data())
    private static let named = [UInt8](
        Data(base64Encoded: "H4sICAAAAAAC/25hbWUuanNvbgCrVkrOLy6JLy1OUbJSMtAzMFSqBQBoqW3IEwAAAA==") ?? Data())

    @Test func `gzip and deflate are decoded, in all the forms in which servers send them`() throws {
        try #require(!Self.gzip.isEmpty && !Self.deflate.isEmpty && !Self.raw.isEmpty)
        for (bytes, encodings) in [
            (Self.gzip, ["gzip"]), (Self.gzip, ["X-GZIP"]), (Self.deflate, ["deflate"]),
            (Self.gzip, ["identity", "gzip"]), (Self.raw, ["deflate"]), (Self.twoMembers, ["gzip"]),
            (Self.named, ["gzip"]),
        ] {
            let body = body(bytes, encodings)
            #expect(text(body) == #"{"cost_usd":"0.01"}"#)
            #expect(body.unread == nil)
        }
    }

    @Test(arguments: [["br"], ["zstd"], ["gzip", "br"], ["gzip; q=1"]])
    func `what can't be decoded is kept as it came and told of`(encodings: [String]) {
        let body = body([1, 2, 0xFF], encodings, type: "application/json")
        #expect(text(body)?.hasPrefix(#""data:application/json;content-encoding="#) == true)
        #expect(text(body)?.hasSuffix(#";base64,AQL/""#) == true)
        #expect(body.unread?.words.contains("content encoding") == true)
        #expect(body.text == nil)
    }

    @Test func `gzip that is none, or is cut off, is kept as it came`() {
        for (bytes, encoding) in [
            (Array("{}".utf8), "gzip"), (Array(Self.gzip.dropLast(12)), "gzip"), ([0x1F], "gzip"),
            (Array(Self.gzip.dropLast()) + [0xFF], "gzip"), (Self.gzip + [0], "gzip"), (Self.raw, "gzip"),
            (Array(Self.twoMembers.dropLast()), "gzip"), (Array(Self.raw.dropLast()), "deflate"),
            (Self.raw + [0], "deflate"), (Self.deflate + [0], "deflate"), (Array("{}".utf8), "deflate"),
        ] as [([UInt8], String)] {
            let body = body(bytes, [encoding])
            #expect(body.unread != nil)
            #expect(text(body)?.contains(Data(bytes).base64EncodedString()) == true)
        }
    }

    @Test func `a bomb ends at the limit`() {
        for (bytes, encoding) in [
            (Self.gzip, "gzip"), (Self.twoMembers, "gzip"), (Self.deflate, "deflate"), (Self.raw, "deflate"),
        ] {
            #expect(body(bytes, [encoding], limit: 18).isTooLarge)
            #expect(!body(bytes, [encoding], limit: 19).isTooLarge)
        }
    }

    @Test func `a block with a code of its own, and one that is only stored, are decoded`() throws {
        let dynamic = try #require(
            Data(
                base64Encoded: """
                    FZK5AcRACAMbUrD80H9jHkfcGoEe7smUOlnLS9HKU6fWZO/JnJpJF8QBAeNF3VN4gmcaXCZ1U+WnmlaDa+rwHr4v/QN34H10\
                    Lqtj28qPTeNsGKZT/ULNxPRoy3VBHxHuckOgQfaAPkiow3v5fvQDnfnrWzYGRh4Q+ANIhW4WTzDGoHtZYWoMD9gzF7bsF4Pd\
                    PFr5NNT77T/YEZzG2LAyEfazjzyJzBAE2zRCaNmfzCsSWVIIbT+8AUUUhI2fxTq6nJ+J7sblsgnpTtS5rj5yMriZiIJgscHS\
                    wGH/Eot0l0RDTmYJby9OHBtDn8v1kPh/QXRm/P1DHxS4zWEei+TnOKpiuwdPIzxkw3gBFCv1h8jx98+VfwfXOq7jPR8=
                    """))
        let numbers = (0..<150).map { "\($0 * $0 % 997)" }.joined(separator: ",")
        #expect(text(body([UInt8](dynamic), ["deflate"])) == "\"\(numbers)\"")
        let stored = try #require(Data(base64Encoded: "H4sIAAAAAAAEAwEGAPn/c3RvcmVkC/lDVgYAAAA="))
        #expect(text(body([UInt8](stored), ["gzip"])) == "\"stored\"")
    }

    @Test(
        arguments: [
            ([0xFC, 0x80], "text/plain; charset=ISO-8859-1", "\"ü€\""),
            ([0xFC], "text/plain;charset=\"windows-1252\"", "\"ü\""),
            ([0xFE, 0xFF, 0, 0x7B, 0, 0x7D], nil, "{}"), ([0xFF, 0xFE, 0x7B, 0, 0x7D, 0], "application/json", "{}"),
            ([0x7B, 0, 0x7D, 0], "text/plain; charset=utf-16le", "{}"),
            ([0xEF, 0xBB, 0xBF, 0x7B, 0x7D], nil, "{}"),
            (Array("{\"ü\":1}".utf8), "application/json; charset=latin1", "{\"ü\":1}"),
            ([0x22, 0xFC, 0x22], "application/json; charset=latin1", "\"ü\""),
            ([0x7B, 0, 0x7D, 0], "application/json; charset=utf-16le", "{}"),
            ([0, 0x7B, 0, 0x7D], "application/json; charset=utf-16be", "{}"),
            ([0, 0x7B, 0, 0x7D], "application/json; charset=utf-16", "{}"),
            ([0x61, 0, 0x62], "text/plain", "\"a\\u0000b\""), ([0x7B, 0, 0x7D], "application/json", "\"{\\u0000}\""),
        ] as [([UInt8], String?, String)])
    func `a text in another charset is stored as what it says`(bytes: [UInt8], type: String?, result: String) {
        let body = body(bytes, type: type)
        #expect(text(body) == result)
        #expect(body.unread == nil)
    }

    @Test(
        arguments: [
            ([0xFC], "text/plain; charset=koi8-r"), ([0xD8, 0x00], "text/plain; charset=utf-16"),
            ([0x7B], "text/plain; charset=utf-16"), ([0xFF, 0x41], "text/plain; charset=utf-8"),
        ] as [([UInt8], String)])
    func `bytes that are not in their charset are kept and told of`(bytes: [UInt8], type: String) {
        let body = body(bytes, type: type)
        #expect(text(body) == "\"data:text/plain;base64,\(Data(bytes).base64EncodedString())\"")
        #expect(body.unread?.words.contains("charset") == true)
    }
}
