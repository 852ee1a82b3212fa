import Yams

/// One value of the file with its place, its name for messages, and what is needed to judge it.
struct Field {
    /// The key's full name, such as `handlers.echo.timeout_seconds`.
    let name: String
    let node: Node
    let problems: ProblemCollector
    let environment: [String: String]

    /// Notes a mistake at this value.
    func fail(_ message: String) {
        problems.note("\(name) \(message)", at: node.mark)
    }

    /// Whether the value is left out: `key:` with nothing behind it, `~` or `null`.
    var isAbsent: Bool {
        guard case .scalar(let scalar) = node, scalar.style == .plain || scalar.style == .any else { return false }
        return ["", "~", "null", "Null", "NULL"].contains(scalar.string)
    }

    /// The scalar's text as written; nil, with a mistake noted, for anything but a scalar.
    func writtenText(expected: String) -> String? {
        guard case .scalar(let scalar) = node else {
            fail("should be \(expected), not \(Self.kind(of: node))")
            return nil
        }
        return scalar.string
    }

    /// The scalar's text with `${NAME}` filled in; nil with a mistake noted.
    /// - Parameter isSecret: what looks like a variable may be a piece of a secret.
    func text(expected: String = "a text", isSecret: Bool = false) -> String? {
        guard let written = writtenText(expected: expected) else { return nil }
        do throws(Expansion.Failure) {
            let text = try Expansion.expand(written, from: environment)
            guard !text.utf8.contains(0) else {
                fail("holds a NUL character")
                return nil
            }
            return text
        } catch {
            switch error {
            case .missing(let variable):
                let isShown = !isSecret || Expansion.isUsualName(variable)
                let what = isShown ? "the environment variable \(variable)" : "an environment variable"
                fail("wants \(what), which isn't set: set it, or write $${ for a literal ${")
            case .malformed:
                fail("has a ${ that isn't followed by a variable's name and }: write $${ for a literal ${")
            }
        }
        return nil
    }

    /// As ``text(expected:)``, for what is or may hold a secret: without a final line break.
    func secret(expected: String = "a text") -> String? {
        text(expected: expected, isSecret: true).map(SecretText.withoutFinalBreak)
    }

    /// A whole number within the range; nil with a mistake noted.
    func integer(in range: ClosedRange<Int>, unit: String? = nil) -> Int? {
        let expected = "a whole number\(unit.map { " of \($0)" } ?? "") from \(range.lowerBound) to \(range.upperBound)"
        guard let text = text(expected: expected) else { return nil }
        let digits = text.utf8.drop { $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "+") }
        let isNumber = !digits.isEmpty && digits.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
        guard let number = Int(text), range.contains(number) else {
            fail(isNumber ? "is out of range: it should be \(expected)" : "should be \(expected)")
            return nil
        }
        return number
    }

    /// A number of seconds, with decimals if wanted, within the range; nil with a mistake noted.
    func seconds(in range: ClosedRange<Duration>) -> Duration? {
        let bounds = "\(Self.seconds(range.lowerBound)) to \(Self.seconds(range.upperBound))"
        let expected = "a number of seconds from \(bounds)"
        guard let text = text(expected: expected) else { return nil }
        do throws(DecimalText.Failure) {
            let duration = Duration.microseconds(try DecimalText.millionths(text))
            if range.contains(duration) { return duration }
            fail("is out of range: it should be \(expected)")
        } catch {
            switch error {
            case .malformed: fail("should be \(expected), such as 30 or 0.5")
            case .tooLarge: fail("is out of range: it should be \(expected)")
            }
        }
        return nil
    }

    /// `true` or `false`; nil with a mistake noted.
    func boolean() -> Bool? {
        switch text(expected: "true or false") {
        case "true", "True", "TRUE": return true
        case "false", "False", "FALSE": return false
        case nil: return nil
        default:
            fail("should be true or false")
            return nil
        }
    }

    /// An amount of dollars in millionths, rounded up; nil with a mistake noted.
    func microUSD(atMost limit: Int64) -> Int64? {
        let expected = "an amount of US dollars from 0 to \(DecimalText.text(millionths: limit)), such as \"0.05\""
        guard let text = text(expected: expected) else { return nil }
        do throws(DecimalText.Failure) {
            let amount = try DecimalText.millionths(text)
            if amount <= limit { return amount }
            fail("is out of range: it should be \(expected)")
        } catch {
            switch error {
            case .malformed: fail("should be \(expected): digits and a point only")
            case .tooLarge: fail("is out of range: it should be \(expected)")
            }
        }
        return nil
    }

    /// The items of a list; nil with a mistake noted.
    func items(of expected: String) -> [Field]? {
        guard case .sequence(let sequence) = node else {
            fail("should be a list of \(expected), not \(Self.kind(of: node))")
            return nil
        }
        return sequence.enumerated().map { index, item in
            Field(name: "\(name)[\(index)]", node: item, problems: problems, environment: environment)
        }
    }

    /// The value in seconds without trailing zeros.
    static func seconds(_ duration: Duration) -> String {
        let (seconds, attoseconds) = duration.components
        return DecimalText.text(millionths: seconds * 1_000_000 + attoseconds / 1_000_000_000_000)
    }

    /// What a node is, in words.
    static func kind(of node: Node) -> String {
        switch node {
        case .scalar: "a single value"
        case .mapping: "a block of keys"
        case .sequence: "a list"
        case .alias: "an alias"
        }
    }
}
