/// Reads the block `sentinel`.
enum SentinelReader {
    /// An empty or guessable secret would let anybody complete work.
    static let shortestSecret = 16

    static func read(_ section: Section, into sentinel: inout SentinelSettings) {
        let section = section.knowing(
            ["secret", "workflows", "deadline_seconds", "unmatched_seconds"], holdsSecrets: true)
        let times = Duration.seconds(1)...Duration.seconds(30 * 86_400)
        if let secret = section["secret"], let text = secret.secret() {
            if let flaw = flaw(inSecret: text) { secret.fail(flaw) } else { sentinel.secret = text }
        }
        if let workflows = section["workflows"]?.items(of: "names of workflows") {
            sentinel.workflows = workflows.compactMap { $0.text(expected: "the name of a workflow") }
            if workflows.isEmpty || sentinel.workflows.contains(where: \.isEmpty) {
                section["workflows"]?.fail("should name at least one workflow, as it stands after name: in its file")
            } else if Set(sentinel.workflows).count < sentinel.workflows.count {
                section["workflows"]?.fail("names a workflow twice: keep one")
            }
        }
        sentinel.deadline = section["deadline_seconds"]?.seconds(in: times) ?? sentinel.deadline
        sentinel.unmatchedAfter = section["unmatched_seconds"]?.seconds(in: times) ?? sentinel.unmatchedAfter
    }

    /// - Parameter secret: without a final line break.
    static func flaw(inSecret secret: String) -> String? {
        if let flaw = SecretText.flaw(in: secret) { return "is no usable secret: it \(flaw)" }
        return secret.utf8.count < shortestSecret
            ? "is too short for a secret: make one of at least \(shortestSecret) characters, such as with openssl rand -hex 32"
            : nil
    }
}
