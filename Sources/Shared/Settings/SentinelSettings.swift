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
