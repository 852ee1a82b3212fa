/// Variables whose value stands in a file: `NAME_FILE` names it, as containers and service managers hand out secrets.
/// What is in a file is in no process's environment.
enum SecretFiles {
    /// Those that Moose reads itself.
    private static let own = [
        BrokerSettings.urlVariable, DatabaseSettings.urlVariable, SentinelSettings.secretVariable,
    ]

    /// The environment with what the files hold, for Moose's own variables and for each `${NAME}` of the text that has
    /// no variable; mistakes are noted.
    static func resolve(
        _ environment: [String: String], usedIn text: String, problems: ProblemCollector
    ) -> [String: String] {
        var resolved = environment
        for name in own + names(in: text).filter({ environment[$0] == nil && !own.contains($0) }) {
            let variable = name + "_FILE"
            guard let path = environment[variable], !path.isEmpty else { continue }
            guard environment[name, default: ""].isEmpty else {
                problems.note("is set, and so is \(name): unset one of them", variable: variable)
                continue
            }
            do throws(SettingsError) {
                var value = try ConfigFile.read(path)
                // An editor's, and no part of any secret.
                if value.utf8.last == UInt8(ascii: "\n") { value.unicodeScalars.removeLast() }
                if value.utf8.last == UInt8(ascii: "\r") { value.unicodeScalars.removeLast() }
                if value.isEmpty { problems.note("names an empty file", variable: variable) }
                resolved[name] = value
            } catch {
                problems.note(flaw(error), variable: variable)
            }
        }
        return resolved
    }

    private static func flaw(_ error: SettingsError) -> String {
        if case .unreadable(_, let reason) = error { return "names a file that can't be read: \(reason)" }
        return "names a file that isn't valid UTF-8"
    }

    /// The variables a text asks for; a comment's count as well, and do no harm.
    private static func names(in text: String) -> Set<String> {
        var names: Set<String> = []
        var rest = text.utf8[...]
        while let dollar = rest.firstIndex(of: UInt8(ascii: "$")) {
            rest = rest[rest.index(after: dollar)...]
            guard rest.first == UInt8(ascii: "{") else { continue }
            let name = rest.dropFirst().prefix { $0 != UInt8(ascii: "}") && $0 != UInt8(ascii: "\n") }
            if let name = String(name), Expansion.isVariableName(name) { names.insert(name) }
        }
        return names
    }
}
