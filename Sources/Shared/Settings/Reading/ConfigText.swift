import Yams

/// The text of a configuration as YAML.
enum ConfigText {
    /// The root; nil when the text is empty or, with a mistake noted, isn't YAML.
    static func root(of text: String, problems: ProblemCollector) -> Node? {
        do {
            // The basic resolver leaves every scalar a text: numbers and money are read from their digits, and no
            // regular expression is ever built. The encoding is given because the default looks at the environment.
            return try Parser(yaml: text, resolver: .basic, encoding: .utf8).singleRoot()
        } catch let error as YamlError {
            note(error, problems: problems)
        } catch {
            problems.note("isn't valid YAML: \(error)", at: nil)
        }
        return nil
    }

    /// Notes what the YAML parser refused. Its own description quotes the text, which may hold secrets.
    private static func note(_ error: YamlError, problems: ProblemCollector) {
        switch error {
        case .scanner(let context, let problem, let mark, _), .parser(let context, let problem, let mark, _),
            .composer(let context, let problem, let mark, _):
            let place = context.map { "\($0.text) of line \($0.mark.line), " } ?? ""
            problems.note("isn't valid YAML: \(place)\(problem)", at: mark)
        case .reader(let problem, _, _, _):
            problems.note("isn't valid YAML: \(problem)", at: nil)
        case .duplicatedKeysInMapping(let duplicates, let context):
            let keys = duplicates.sorted().map { NameRule.isKind($0) ? KeyText.quoted(name: $0) : KeyText.hidden }
                .joined(separator: ", ")
            problems.note("the key \(keys) stands here and again below: keep one", at: context.mark)
        default:
            problems.note("isn't valid YAML", at: nil)
        }
    }
}
