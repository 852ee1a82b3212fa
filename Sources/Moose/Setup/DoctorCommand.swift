internal import ArgumentParser
internal import Settings

/// `moose doctor`.
struct DoctorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract:
            "Check the configuration, the broker, the database, the workers and the handlers' programs, and say what to do.",
        discussion: """
            Exits with 1 when anything is wrong. Rights on the broker are tried without moving a message; docs/rights.md \
            says who needs which.

            EXAMPLES
              moose doctor
              moose doctor --role worker
              moose doctor --json
            """)

    @OptionGroup var common: CommonOptions
    @Option(help: "Look only at the rights that this role needs on the broker (default: all roles).")
    var role: BrokerRole?

    func run() async throws {
        try await runCommand {
            let settings = try common.settings()
            let findings =
                await BrokerChecks(settings: settings, roles: role.map { [$0] } ?? BrokerRole.allCases).findings()
                + DatabaseChecks(common: common, lanes: settings.lanes.keys.sorted()).findings()
                + [.good("webhook secret", settings.sentinel.secret == nil ? "none: webhooks are refused" : "set")]
                + LaneChecks(common: common, settings: settings).findings()
                + (role == nil || role == .worker ? HandlerChecks(settings: settings).findings() : [])
            if common.json {
                print(try JSONOutput.text(list: findings))
            } else {
                for finding in findings {
                    let mark =
                        finding.ok ? common.terminal.styled("ok", .green) : common.terminal.styled("FAIL", .boldRed)
                    print("\(mark)  \(finding.check)\(finding.detail.map { ": \($0)" } ?? "")")
                }
            }
            if findings.contains(where: { !$0.ok }) { throw ExitCode(ExitStatus.failed.rawValue) }
        }
    }
}
