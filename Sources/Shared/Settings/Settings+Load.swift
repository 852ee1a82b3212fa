import FoundationEssentials
import Yams

extension Settings {
    /// Reads the configuration and the environment, and reports every mistake at once.
    ///
    /// - Parameters:
    ///   - path: the file; nil takes `MOOSE_CONFIG`, else `./moose.yaml` if there is one, else the defaults alone.
    ///   - environment: the process's environment, for `MOOSE_*` and for `${NAME}` in values, and for `NAME_FILE`, which
    ///     names a file with the value. An empty variable of ours counts as unset.
    package static func load(path: String?, environment: [String: String]) throws(SettingsError) -> Settings {
        let chosen = path ?? environment["MOOSE_CONFIG"].flatMap { $0.isEmpty ? nil : $0 }
        let file = chosen ?? (ConfigFile.exists("moose.yaml") ? "moose.yaml" : nil)
        guard let file else { return try parse("", file: nil, environment: environment) }
        return try parse(try ConfigFile.read(file), file: file, environment: environment)
    }

    /// Reads a configuration from its text; `file` names it in messages and places its working directories.
    package static func parse(
        _ text: String,
        file: String?,
        environment: [String: String]
    ) throws(SettingsError) -> Settings {
        let problems = ProblemCollector(file: file ?? "configuration")
        let environment = SecretFiles.resolve(environment, usedIn: text, problems: problems)
        var settings = Settings()
        settings.file = file
        if let root = compose(text, problems: problems) {
            let field = Field(name: "", node: root, problems: problems, environment: environment)
            let folder = file.map(ConfigFile.folder) ?? FileManager.default.currentDirectoryPath
            if let section = Section(field) { SettingsReader(folder: folder).read(section, into: &settings) }
        }
        settings.apply(environment, problems: problems)
        guard problems.problems.isEmpty else { throw .invalid(problems.sorted) }
        return settings
    }

    private mutating func apply(_ environment: [String: String], problems: ProblemCollector) {
        func value(_ variable: String) -> String? {
            environment[variable].flatMap { $0.isEmpty ? nil : $0 }
        }
        func url(_ variable: String, as role: URLRole) -> String? {
            guard let text = value(variable).map(SecretText.withoutFinalBreak) else { return nil }
            guard let flaw = role.flaw(in: text) else { return text }
            problems.note(flaw, variable: variable)
            return nil
        }
        broker.url = url("MOOSE_AMQP_URL", as: .broker) ?? broker.url
        database.url = url("MOOSE_DATABASE_URL", as: .database) ?? database.url
        spool.folder = value("MOOSE_SPOOL_FOLDER") ?? spool.folder
        if let secret = value("MOOSE_SENTINEL_SECRET").map(SecretText.withoutFinalBreak) {
            if let flaw = SentinelReader.flaw(inSecret: secret) {
                problems.note(flaw, variable: "MOOSE_SENTINEL_SECRET")
            } else {
                sentinel.secret = secret
            }
        }
        guard let level = value("MOOSE_LOG_LEVEL") else { return }
        if let known = LogLevel(rawValue: level.lowercased()) {
            logLevel = known
        } else {
            let levels = LogLevel.allCases.map(\.rawValue)
            problems.note(
                "is no level of logging: use one of \(levels.joined(separator: ", "))",
                variable: "MOOSE_LOG_LEVEL"
            )
        }
    }

    /// The root of the YAML; nil when the text is empty or, with a mistake noted, isn't YAML.
    private static func compose(_ text: String, problems: ProblemCollector) -> Node? {
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
