internal import FoundationEssentials
internal import WorkOrders

/// What an answer says of what it used up: cost and tokens, each read on its own, so that one that can't be read takes
/// nothing with it. The work is done and paid for whatever they look like.
struct ReportedUse: Equatable {
    private(set) var cost: MicroUSD?
    private(set) var tokensIn: Int?
    private(set) var tokensOut: Int?
    private(set) var unread: AttemptReport.Unread?

    /// From the members of an answer or a result file.
    /// - Parameters:
    ///   - place: for a person, such as `the result file`.
    ///   - header: the values of a header that was configured to hold the cost; it is then the whole answer, as a body's
    ///     cost may mean something else.
    init(_ members: JSONMembers?, of bytes: [UInt8], in place: String, costHeaders: [String] = []) {
        if costHeaders.isEmpty {
            if let said = said("cost_usd", members, bytes, place) {
                cost = Self.scalar(said).flatMap(MicroUSD.init(reported:))
                if cost == nil { complain(of: "cost_usd in \(place)", Self.dollars, said) }
            }
        } else {
            let said = costHeaders.joined(separator: ", ")
            // Two headers are two answers, unless they say the same.
            cost = Set(costHeaders).count == 1 ? costHeaders.first.flatMap { MicroUSD(reported: $0) } : nil
            if cost == nil { complain(of: "the header of the cost", Self.dollars, Array(said.utf8)[...]) }
        }
        tokensIn = tokens("tokens_in", members, bytes, place)
        tokensOut = tokens("tokens_out", members, bytes, place)
    }

    private static let dollars = "dollars from 0 to 1000000000, such as 0.05, were expected"

    private mutating func tokens(
        _ name: String, _ members: JSONMembers?, _ bytes: [UInt8], _ place: String
    ) -> Int? {
        guard let said = said(name, members, bytes, place) else { return nil }
        let count = Self.scalar(said).flatMap(Self.count)
        // With a cost they are a mere remark; and the body belongs to a service, where the word may mean something else.
        if count == nil, cost == nil { complain(of: "\(name) in \(place)", "a whole number from 0 was expected", said) }
        return count
    }

    /// The value's bytes; nil where it isn't there or null, and where it stands twice: then nobody knows which counts.
    private mutating func said(
        _ name: String, _ members: JSONMembers?, _ bytes: [UInt8], _ place: String
    ) -> ArraySlice<UInt8>? {
        let values = members?.values(of: name) ?? []
        guard values.count < 2 else {
            complain(of: "\(name) in \(place)", "it stands twice", bytes[values[0]])
            return nil
        }
        guard let range = values.first, !bytes[range].elementsEqual("null".utf8) else { return nil }
        return bytes[range]
    }

    private mutating func complain(of what: String, _ why: String, _ said: ArraySlice<UInt8>) {
        unread = .and(
            unread,
            AttemptReport.Unread(
                "\(what) can't be read (\(why))",
                said: PlainText.line(String(decoding: said.prefix(200), as: UTF8.self), limit: 60)))
    }

    /// A JSON text's characters, or a number's; nil for anything else.
    private static func scalar(_ value: ArraySlice<UInt8>) -> String? {
        guard let first = value.first else { return nil }
        if first == UInt8(ascii: "\"") { return JSONMembers.text(value) }
        guard first == UInt8(ascii: "-") || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(first) else { return nil }
        return String(decoding: value, as: UTF8.self)
    }

    private static func count(_ text: String) -> Int? {
        guard let number = DecimalText(text)?.scaled(by: 0), number.isExact else { return nil }
        return Int(number.value)
    }
}
