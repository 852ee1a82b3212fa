internal import AMQP
internal import ArgumentParser
internal import Messaging
internal import Postgres
internal import Settings
internal import Store

/// `moose doctor`.
struct DoctorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract: "Check the configuration, the broker, the database and the workers, and say what to do.",
        discussion: """
            EXAMPLES
              moose doctor
              moose doctor --json
            """)

    @OptionGroup var common: CommonOptions

    func run() async throws {
        try await runCommand {
            let settings = try common.settings()
            var findings = await Self.broker(settings)
            findings += await database(settings)
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

    /// One thing looked at.
    struct Finding: Encodable {
        var check: String
        var ok: Bool
        var detail: String?
    }

    private static func broker(_ settings: Settings) async -> [Finding] {
        let topology = MooseTopology.topology(lanes: settings.lanes.keys)
        var findings: [Finding] = []
        do {
            try await TopologyAccess.withPublisher(settings) { publisher in
                findings.append(
                    Finding(check: "broker", ok: true, detail: "RabbitMQ \(publisher.status().serverVersion ?? "?")"))
                for queue in topology.queues {
                    let found = try await publisher.queueExists(queue.name)
                    if !found {
                        findings.append(
                            Finding(
                                check: "queue \(queue.name)", ok: false, detail: "missing; run `moose topology apply`"))
                    }
                }
                guard findings.allSatisfy(\.ok) else { return }
                do {
                    // Declaring what is there changes nothing, and the broker refuses it where it differs.
                    try await publisher.declare(topology)
                    findings.append(Finding(check: "topology", ok: true))
                } catch {
                    findings.append(Finding(check: "topology", ok: false, detail: "\(error)"))
                }
            }
        } catch {
            findings.append(Finding(check: "broker", ok: false, detail: "\(error)"))
        }
        return findings
    }

    private func database(_ settings: Settings) async -> [Finding] {
        var findings: [Finding] = []
        do {
            try await common.withDatabase { client in
                findings.append(Finding(check: "database", ok: true))
                let version = try await Store(client).schemaVersion()
                let wanted = Migrations.all.last?.id ?? 0
                guard version >= wanted else {
                    findings.append(
                        Finding(
                            check: "schema", ok: false,
                            detail: "version \(version), this moose wants \(wanted); run `moose migrate`"))
                    return
                }
                findings.append(Finding(check: "schema", ok: true, detail: "version \(version)"))
                for lane in settings.lanes.keys.sorted() {
                    let alive =
                        try await client.run(
                            """
                            SELECT count(*) FROM moose.workers
                            WHERE \(lane) = ANY (lanes) AND stopped_at IS NULL AND last_seen > now() - interval '60 seconds'
                            """
                        ).first?.decode(0, as: Int64.self) ?? 0
                    findings.append(
                        Finding(
                            check: "lane \(lane)", ok: alive > 0,
                            detail: alive > 0
                                ? "\(alive) workers" : "no worker is alive; run `moose worker --lane \(lane):8`"))
                }
            }
        } catch {
            findings.append(Finding(check: "database", ok: false, detail: CommandFailure(reporting: error).description))
        }
        return findings
    }
}
