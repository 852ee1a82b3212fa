import FoundationEssentials

/// The JSON a probe answers with.
struct ProbeReport: Encodable, Equatable {
    /// One check in the answer.
    struct Entry: Encodable, Equatable {
        let name: String
        let ready: Bool
        let detail: String?
    }

    /// `ok` or `unavailable`.
    let status: String
    /// The names of the checks that keep the process from it; empty when all is well.
    let failing: [String]
    let checks: [Entry]

    /// Whether the answer is a success.
    var isGood: Bool { failing.isEmpty }

    /// What `/readyz` says: ready when every check is.
    static func readiness(_ checks: [ProbeCheck]) -> ProbeReport {
        ProbeReport(checks, failing: checks.filter { !$0.isReady })
    }

    /// What `/healthz` says: alive unless a check asks for a restart. A lost broker is no reason to restart.
    static func health(_ checks: [ProbeCheck]) -> ProbeReport {
        ProbeReport(checks, failing: checks.filter { !$0.isReady && $0.needsRestart })
    }

    private init(_ checks: [ProbeCheck], failing: [ProbeCheck]) {
        status = failing.isEmpty ? "ok" : "unavailable"
        self.failing = failing.map(\.name)
        self.checks = checks.map { Entry(name: $0.name, ready: $0.isReady, detail: $0.detail) }
    }

    /// The report as JSON with a line break.
    func json() throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return try Array(encoder.encode(self)) + [UInt8(ascii: "\n")]
    }
}
