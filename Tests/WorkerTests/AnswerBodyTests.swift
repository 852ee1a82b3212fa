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

    @Test func `gzip and deflate are decoded`() throws {
        try #require(!Self.gzip.isEmpty && !Self.deflate.isEmpty)
        for (bytes, encodings) in [
            (Self.gzip, ["gzip"]), (Self.gzip, ["X-GZIP"]), (Self.deflate, ["deflate"]),
            (Self.gzip, ["identity", "gzip"]),
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
        for bytes in [Array("{}".utf8), Array(Self.gzip.dropLast(12)), [0x1F]] {
            let body = body(bytes, ["gzip"])
            #expect(body.unread != nil)
            #expect(text(body)?.contains(Data(bytes).base64EncodedString()) == true)
        }
    }

    @Test func `a bomb ends at the limit`() {
        #expect(body(Self.gzip, ["gzip"], limit: 18).isTooLarge)
        #expect(!body(Self.gzip, ["gzip"], limit: 19).isTooLarge)
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
