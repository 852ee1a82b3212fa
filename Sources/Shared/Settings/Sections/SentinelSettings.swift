/// How CI's results are judged.
package struct SentinelSettings: Sendable, Equatable {
    /// The secret of GitHub's webhook; nil refuses all webhooks. From `MOOSE_SENTINEL_SECRET`, else key `secret`.
    package var secret: String?
    /// The workflows that must pass. Default: Build, Test, Integration Tests, Lint. Key `workflows`.
    package var workflows = ["Build", "Test", "Integration Tests", "Lint"]
    /// How long all of them may take. Default 2 h. Key `deadline_seconds`.
    package var deadline = Duration.seconds(2 * 3600)
    /// After what time a result whose pull request no order knows is told of. Default 1 h. Key `unmatched_seconds`.
    package var unmatchedAfter = Duration.seconds(3600)

    /// The defaults.
    package init() {}
}

extension SentinelSettings: SettingsSection {
    static let key = "sentinel"
    static let secretVariable = "MOOSE_SENTINEL_SECRET"
    /// An empty or guessable secret would let anybody complete work.
    private static let shortestSecret = 16

    mutating func read(_ section: Section) {
        let section = section.knowing(
            ["secret", "workflows", "deadline_seconds", "unmatched_seconds"], holdsSecrets: true)
        let times = Duration.seconds(1)...Duration.day * 30
        if let field = section["secret"], let text = field.secret() {
            if let flaw = Self.flaw(inSecret: text) { field.fail(flaw) } else { secret = text }
        }
        if let field = section["workflows"], let items = field.items(of: "names of workflows") {
            workflows = items.compactMap { $0.text(expected: "the name of a workflow") }
            if items.isEmpty || workflows.contains(where: \.isEmpty) {
                field.fail("should name at least one workflow, as it stands after name: in its file")
            } else if Set(workflows).count < workflows.count {
                field.fail("names a workflow twice: keep one")
            }
        }
        deadline = section["deadline_seconds"]?.seconds(in: times) ?? deadline
        unmatchedAfter = section["unmatched_seconds"]?.seconds(in: times) ?? unmatchedAfter
    }

    mutating func read(_ variables: Variables) {
        secret = variables.secret(Self.secretVariable, flaw: Self.flaw(inSecret:)) ?? secret
    }

    /// - Parameter secret: without a final line break.
    private static func flaw(inSecret secret: String) -> String? {
        if let flaw = SecretText.flaw(in: secret) { return "is no usable secret: it \(flaw)" }
        guard secret.utf8.count < shortestSecret else { return nil }
        return "is too short for a secret: make one of at least \(shortestSecret) characters, such as with "
            + "openssl rand -hex 32"
    }

    var shown: ShownValue {
        var entries: [(key: String, value: ShownValue)] = []
        if secret != nil { entries.append(("secret", .hidden)) }
        entries.append(("workflows", .texts(workflows)))
        entries.append(("deadline_seconds", .seconds(deadline)))
        entries.append(("unmatched_seconds", .seconds(unmatchedAfter)))
        return .block(entries)
    }
}
