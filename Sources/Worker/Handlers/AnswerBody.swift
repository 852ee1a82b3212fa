internal import FoundationEssentials
internal import NIOCore
internal import NIOEmbedded
internal import NIOHTTP1
internal import NIOHTTPCompression
internal import WorkOrders

/// The body of an answer, made what can be stored. What was paid for is not thrown away because of its form: what nobody
/// can decode is kept as it came, as a `data:` address.
struct AnswerBody {
    /// As UTF-8 without a byte order mark; nil where it is no text, or in an encoding that can't be decoded.
    private(set) var text: [UInt8]?
    /// What couldn't be decoded, for a person.
    private(set) var unread: AttemptReport.Unread?
    /// It grows beyond the limit when it is decoded.
    private(set) var isTooLarge = false
    /// Whether the header says that it is JSON.
    let isDeclaredJSON: Bool
    private let raw: [UInt8]
    private let mediaType: String
    private let encodings: [String]

    /// - Parameters:
    ///   - encodings: the header `Content-Encoding`, its values in their order.
    ///   - contentType: the header `Content-Type`.
    ///   - limit: of the decoded bytes.
    init(_ raw: [UInt8], encodings: [String], contentType: String?, limit: Int) {
        self.raw = raw
        let parameters = (contentType ?? "").split(separator: ";").map { PlainText.line($0).lowercased() }
        mediaType = parameters.first ?? ""
        isDeclaredJSON = mediaType == "application/json" || mediaType.hasSuffix("+json")
        self.encodings = encodings.map { $0.lowercased() }.filter { $0 != "identity" && !$0.isEmpty }
        var bytes = raw
        for encoding in self.encodings.reversed() where !bytes.isEmpty {
            switch Self.decompressed(bytes, encoding, limit: limit) {
            case .bytes(let decoded): bytes = decoded
            case .tooLarge:
                isTooLarge = true
                return
            case .unknown:
                unread = AttemptReport.Unread(
                    "the answer's content encoding can't be decoded; it is kept as it came", said: encoding)
                return
            }
        }
        let charset = parameters.dropFirst().first { $0.hasPrefix("charset=") }.map { name in
            name.dropFirst("charset=".count).filter { $0 != "\"" && $0 != "'" }
        }
        // JSON is UTF-8, whatever a header says of it; where it isn't, the header may be right.
        text =
            isDeclaredJSON && Charset.isUTF8(bytes) ? Charset.withoutMark(bytes) : Charset.utf8(bytes, named: charset)
        if text == nil, let charset, charset != "binary" {
            unread = AttemptReport.Unread(
                "the answer is not in the charset it names; it is kept as it came", said: charset)
        }
    }

    /// JSON to be stored as the result: the body itself, the body as a JSON text, or as a `data:` address; nil for none.
    var result: [UInt8]? {
        guard !raw.isEmpty else { return nil }
        guard let text else { return Self.quoted(dataAddress) }
        // A member that stands twice is the service's own affair: the result is stored as it came.
        if JSONSyntax.fault(in: text) != .malformed { return text }
        // PostgreSQL shows results as texts, and keeps no NUL in one.
        return Self.quoted(String(decoding: text.map { $0 == 0 ? 0xFF : $0 }, as: UTF8.self))
    }

    private var dataAddress: String {
        let type = mediaType.isEmpty ? "application/octet-stream" : mediaType
        let encoding = encodings.isEmpty ? "" : ";content-encoding=\(encodings.joined(separator: "+"))"
        return "data:\(PlainText.line(type, limit: 100))\(PlainText.line(encoding, limit: 100));base64,"
            + Data(raw).base64EncodedString()
    }

    private static func quoted(_ text: String) -> [UInt8]? {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .withoutEscapingSlashes
        // A text can always be written.
        return (try? encoder.encode(text)).map(Array.init)
    }

    private enum Decompressed {
        case bytes([UInt8])
        case tooLarge
        case unknown
    }

    /// Through the handler that the client itself would use, a piece at a time, so that a bomb ends at the limit.
    private static func decompressed(_ bytes: [UInt8], _ encoding: String, limit: Int) -> Decompressed {
        guard ["gzip", "x-gzip", "deflate"].contains(encoding) else { return .unknown }
        let channel = EmbeddedChannel(handler: NIOHTTPResponseDecompressor(limit: .size(limit)))
        defer {
            // What is left over when it failed is of no use to anybody.
            _ = try? channel.finish(acceptAlreadyClosed: true)
        }
        do {
            let headers: HTTPHeaders = [
                "Content-Encoding": encoding == "deflate" ? "deflate" : "gzip", "Content-Length": "\(bytes.count)",
            ]
            try channel.writeInbound(
                HTTPClientResponsePart.head(HTTPResponseHead(version: .http1_1, status: .ok, headers: headers)))
            try channel.writeInbound(HTTPClientResponsePart.body(ByteBuffer(bytes: bytes)))
            try channel.writeInbound(HTTPClientResponsePart.end(nil))
            var decoded: [UInt8] = []
            while let part = try channel.readInbound(as: HTTPClientResponsePart.self) {
                if case .body(let piece) = part { decoded += piece.readableBytesView }
            }
            return .bytes(decoded)
        } catch NIOHTTPDecompression.DecompressionError.limit {
            // Said in the attempt's failure.
            return .tooLarge
        } catch {
            // Not what its header says: whoever asked keeps it as it came, and reports that.
            return .unknown
        }
    }
}
