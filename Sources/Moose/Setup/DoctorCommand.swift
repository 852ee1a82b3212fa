internal import ArgumentParser
internal import Settings

/// `moose doctor`.
struct DoctorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract: "Check the configuration, the broker, the database and the workers, and say what to do.",
        discussion: """
            Exits with 1 when anything is wrong.

            EXAMPLES
              moose doctor
              moose doctor --json
            """)

    @OptionGroup var common: CommonOptions

    func run() async throws {
        try await runCommand {
            let settings = try common.settings()
            let findings =
                await BrokerChecks(settings: settings).findings()
                + DatabaseChecks(common: common, lanes: settings.lanes.keys.sorted()).findings()
                + LaneChecks(common: common, settings: settings).findings()
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
