/// Moose's own variables of the environment, which win over the file.
struct Variables {
    let environment: [String: String]
    let problems: ProblemCollector

    /// The value; nil when the variable isn't set, or empty.
    subscript(name: String) -> String? {
        environment[name].flatMap { $0.isEmpty ? nil : $0 }
    }

    /// A URL, without a final line break; nil when the variable isn't set or, with a mistake noted, leads nowhere.
    func url(_ name: String, to role: URLRole) -> String? {
        secret(name, flaw: role.flaw(in:))
    }

    /// What is or may hold a secret, without a final line break; nil when the variable isn't set or, with a mistake
    /// noted, has a flaw.
    func secret(_ name: String, flaw findFlaw: (String) -> String?) -> String? {
        guard let text = self[name].map(SecretText.withoutFinalBreak) else { return nil }
        guard let flaw = findFlaw(text) else { return text }
        fail(name, flaw)
        return nil
    }

    /// Notes a mistake in a variable.
    func fail(_ name: String, _ message: String) {
        problems.note(message, variable: name)
    }
}
