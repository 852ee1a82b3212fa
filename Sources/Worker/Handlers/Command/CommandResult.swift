internal import FoundationEssentials
internal import WorkOrders

/// What a command wrote to its result file.
///
/// Each field is read on its own. What the file says of cost and tokens never makes the result worth less: the work is
/// done and paid for. What says whether and how it is done (`result`, `snooze_seconds`, `pull_request`) must be readable.
/// A name that stands twice is not readable, whatever it is and wherever Moose reads it: nobody knows which one counts.
struct CommandResult: Equatable {
    /// More than this is not read.
    static let limit = 1_048_576

    /// The value of `result`, byte for byte.
    private(set) var result: [UInt8]?
    /// What CI is to judge the work by.
    private(set) var pullRequest: PullRequest?
    private(set) var cost: MicroUSD?
    private(set) var tokensIn: Int?
    private(set) var tokensOut: Int?
    /// The first words of `error`, a line.
    private(set) var error: String?
    /// All of `error` where that is more than a line holds, up to 64 KiB: its beginning and its end.
    private(set) var wholeError: String?
    private(set) var failureClass: FailureClass?
    private(set) var retry: Bool?
    /// When to try again after a failure: a second to a day.
    private(set) var retryAfter: Duration?
    /// When to run again although nothing failed: a second to a week.
    private(set) var snooze: Duration?
    /// Why nobody can tell from the file what the command did; what could be read all the same is in the other fields.
    private(set) var complaint: String?
    /// What can't be read of the rest.
    private(set) var unread: AttemptReport.Unread?
    /// The beginning of a file that can't be read, so that what was paid for can be looked at.
    private(set) var remains: [UInt8]?

    static let none = CommandResult()

    private init() {}

    init(complaint: String) { self.complaint = complaint }

    /// Reads the file's bytes.
    init(_ bytes: [UInt8]) {
        // Some shells and languages write UTF-16, or a mark in front of UTF-8.
        guard let text = Charset.utf8(bytes, named: nil) else {
            refuse(bytes, "the result file is not valid UTF-8")
            return
        }
        guard text.contains(where: { ![0x20, 0x09, 0x0A, 0x0D].contains($0) }) else {
            unread = AttemptReport.Unread("the result file is empty")
            return
        }
        let fault = JSONSyntax.fault(in: text)
        guard fault != .malformed else {
            refuse(bytes, "the result file is not valid JSON, or deeper than \(JSONSyntax.depthLimit) levels")
            return
        }
        guard let members = JSONMembers(text) else {
            refuse(bytes, "the result file is no JSON object")
            return
        }
        let use = ReportedUse(members, of: text, in: "the result file")
        cost = use.cost
        tokensIn = use.tokensIn
        tokensOut = use.tokensOut
        unread = use.unread
        readWork(Reading(members: members, bytes: text))
        readFailure(Reading(members: members, bytes: text))
        if case .repeatedName(let name) = fault, complaint == nil, unread == nil {
            unread = AttemptReport.Unread("a name stands twice in the result file", said: name)
        }
        if complaint != nil { remains = Array(text.prefix(Self.limit)) }
    }

    private mutating func refuse(_ bytes: [UInt8], _ complaint: String) {
        self.complaint = complaint
        remains = bytes
    }

    /// What says how the work is done.
    private mutating func readWork(_ file: Reading) {
        for name in ["result", "snooze_seconds", "pull_request"] where file.members.values(of: name).count > 1 {
            complaint = Self.twice(name)
            return
        }
        result = file.members.values(of: "result").last.map { Array(file.bytes[$0]) }
        if let value = file.value(of: "snooze_seconds") {
            snooze = Reading.number(value).flatMap { Self.wait($0, atMost: 604_800) }
            if snooze == nil { complaint = "snooze_seconds in the result file must be a number from 0" }
        }
        if let value = file.value(of: "pull_request") {
            // The decoder would take the first without a word.
            let members = JSONMembers(Array(value))
            for key in PullRequestField.CodingKeys.allCases where members?.values(of: key.rawValue).count ?? 0 > 1 {
                complaint = Self.twice("pull_request.\(key.rawValue)")
                return
            }
            // The decoder's own words may quote the input.
            pullRequest = (try? JSONDecoder().decode(PullRequestField.self, from: Data(value)))?.value
            if pullRequest == nil {
                complaint =
                    "pull_request in the result file needs a number from 1, a repository like owner/name and a head_sha of "
                    + "40 hex digits; the last two may be left out"
            }
        }
    }

    private static func twice(_ name: String) -> String {
        "\(name) stands twice in the result file: which one counts?"
    }

    /// What only a failure is asked for.
    private mutating func readFailure(_ file: Reading) {
        for name in ["error", "failure_class", "retry", "retry_after_seconds"] {
            let values = file.members.values(of: name)
            guard values.count > 1 else { continue }
            complain("\(name) in the result file can't be read (it stands twice)", file.bytes[values[0]])
        }
        if let value = file.value(of: "error") {
            let said = JSONMembers.text(value)
            error = said.map { PlainText.line($0) }
            if let said, error != said { wholeError = PlainText.whole(said) }
            if error == nil { complain("error in the result file is no text", value) }
        }
        if let value = file.value(of: "failure_class") {
            failureClass = JSONMembers.text(value).map { FailureClass(rawValue: $0) ?? .unknown }
            if failureClass == nil { complain("failure_class in the result file is no text", value) }
        }
        if let value = file.value(of: "retry") {
            retry = value.elementsEqual("true".utf8) ? true : value.elementsEqual("false".utf8) ? false : nil
            if retry == nil { complain("retry in the result file is neither true nor false", value) }
        }
        if let value = file.value(of: "retry_after_seconds") {
            retryAfter = Reading.number(value).flatMap { Self.wait($0, atMost: 86_400) }
            if retryAfter == nil { complain("retry_after_seconds in the result file is no number from 0", value) }
        }
    }

    private mutating func complain(_ words: String, _ said: ArraySlice<UInt8>) {
        let said = PlainText.line(String(decoding: said.prefix(200), as: UTF8.self), limit: 60)
        unread = .and(unread, AttemptReport.Unread(words, said: said))
    }

    /// At least a second, so that nothing spins; nil when it is negative.
    private static func wait(_ seconds: Double, atMost limit: Double) -> Duration? {
        seconds >= 0 ? .seconds(min(max(seconds, 1), limit)) : nil
    }

    private struct Reading {
        let members: JSONMembers
        let bytes: [UInt8]

        /// The value of that name; nil where it is null, isn't there, or stands twice.
        func value(of name: String) -> ArraySlice<UInt8>? {
            let values = members.values(of: name)
            guard values.count == 1, !bytes[values[0]].elementsEqual("null".utf8) else { return nil }
            return bytes[values[0]]
        }

        /// A JSON number, or a text that is one.
        static func number(_ value: ArraySlice<UInt8>) -> Double? {
            let text = JSONMembers.text(value) ?? String(decoding: value, as: UTF8.self)
            guard text.utf8.first.map({ $0 < UInt8(ascii: "A") }) ?? false else { return nil }
            return Double(text)
        }
    }

    /// A number alone, or with what it belongs to.
    private struct PullRequestField: Decodable {
        let value: PullRequest?

        init(from decoder: any Decoder) throws {
            if let number = try? decoder.singleValueContainer().decode(Int.self) {
                value = PullRequest(number: number)
                return
            }
            let fields = try decoder.container(keyedBy: CodingKeys.self)
            value = PullRequest(
                number: try fields.decodeIfPresent(Int.self, forKey: .number) ?? 0,
                repository: try fields.decodeIfPresent(String.self, forKey: .repository),
                headSHA: try fields.decodeIfPresent(String.self, forKey: .headSHA))
        }

        enum CodingKeys: String, CodingKey, CaseIterable {
            case number, repository
            case headSHA = "head_sha"
        }
    }
}
