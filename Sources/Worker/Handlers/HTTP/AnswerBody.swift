internal import FoundationEssentials
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
        // JSON is UTF-8, whatever a header says of it; where it isn't, the header may be right. In UTF-16 the characters
        // that make it JSON have a NUL each, and as UTF-8 it has none.
        text =
            isDeclaredJSON && !bytes.contains(0) && Charset.isUTF8(bytes)
            ? Charset.withoutMark(bytes) : Charset.utf8(bytes, named: charset)
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
        // A NUL becomes an escape of six characters, as in results that are JSON themselves: the column holds bytes.
        return Self.quoted(String(decoding: text, as: UTF8.self))
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

    private static func decompressed(_ bytes: [UInt8], _ encoding: String, limit: Int) -> Decompressed {
        guard ["gzip", "x-gzip", "deflate"].contains(encoding) else { return .unknown }
        do throws(Inflate.Failure) {
            return .bytes(try Inflate.decompress(bytes, limit: limit, mayBeRaw: encoding == "deflate"))
        } catch {
            // Said in the attempt's failure, or kept as it came and reported by whoever asked.
            return error == .tooLarge ? .tooLarge : .unknown
        }
    }
}
