internal import Operations
internal import Postgres
internal import Store

/// What `moose doctor` looks at in the database.
struct DatabaseChecks {
    let common: CommonOptions
    let lanes: [String]

    func findings() async -> [Finding] {
        var findings: [Finding] = []
        do {
            try await common.withDatabase { client in
                findings.append(.good("database"))
                let store = Store(client)
                let concerns = ServerConcern.all(try await store.serverFacts(), sessions: ServerDemand.sessions)
                findings += concerns.map { .bad("database \($0.name)", $0.line) }
                if let lack = try await store.missingRights() { return findings.append(Self.denied(lack)) }
                let version = try await store.schemaVersion()
                let wanted = Migrations.all.last?.id ?? 0
                guard version >= wanted else {
                    let detail = "version \(version), this moose wants \(wanted); run `moose migrate`"
                    return findings.append(.bad("schema", detail))
                }
                let functions = try await store.functionsVersion()
                guard functions >= Functions.all.version else {
                    let detail = "functions of version \(functions), this moose wants \(Functions.all.version)"
                    return findings.append(.bad("schema", "\(detail); run `moose migrate`"))
                }
                findings.append(.good("schema", "version \(version), functions \(functions)"))
                for lane in lanes { findings.append(try await workers(of: lane, client)) }
            }
        } catch {
            findings.append(.bad("database", error))
        }
        return findings
    }

    private static func denied(_ lack: MissingRights) -> Finding {
        let shown = lack.rights.prefix(3).joined(separator: "; ")
        let more = lack.rights.count > 3 ? "; and more on \(lack.rights.count - 3) others" : ""
        return .bad(
            "permission",
            "the database's role \(lack.role) lacks \(shown)\(more). Let \(lack.owner), who owns the schema, run: "
                + "GRANT USAGE ON SCHEMA moose TO \(lack.role); "
                + "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA moose TO \(lack.role); "
                + "GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA moose TO \(lack.role);")
    }

    private func workers(of lane: String, _ client: PostgresClient) async throws -> Finding {
        let alive = try await WorkerProcess.countLiving(of: lane, in: client)
        return alive > 0
            ? .good("lane \(lane)", "\(NumberText.counted(alive, "worker")) seen in the last minute")
            : .bad("lane \(lane)", "no worker was seen in the last minute; run `moose worker --lane \(lane):8`")
    }
}
