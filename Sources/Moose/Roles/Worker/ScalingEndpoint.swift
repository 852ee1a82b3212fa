internal import FoundationEssentials
internal import Probes
internal import Worker

/// `/api/scaling/LANE` beside a worker's probes: how much work a lane has, for KEDA and people.
struct ScalingEndpoint: Sendable {
    let figures: ScalingFigures

    private struct Answer: Encodable {
        let lane: String
        let queued: Int
        let running: Int
        /// Queued + running.
        let load: Int
        let oldestAgeSeconds: Double
        let slotsPerProcess: Int
        /// As many processes as have slots for the load.
        let wantedProcesses: Int
    }

    var route: Route {
        .get("/api/scaling/{lane}", reach: .anywhere) { await answer($0.parameters["lane", default: ""]) }
    }

    private func answer(_ lane: String) async -> RouteAnswer {
        guard let slots = figures.slots[lane] else {
            return .problem(
                status: 404, title: "unknown lane",
                detail: "There is no such lane here. There are: \(figures.slots.keys.sorted().joined(separator: ", "))")
        }
        do {
            let known = try await figures.current()[lane] ?? LaneFigures(queued: 0, running: 0, oldestAge: .zero)
            let (seconds, attoseconds) = known.oldestAge.components
            let load = known.queued + known.running
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys]
            encoder.keyEncodingStrategy = .convertToSnakeCase
            let body = try encoder.encode(
                Answer(
                    lane: lane, queued: known.queued, running: known.running, load: load,
                    oldestAgeSeconds: Double(seconds) + Double(attoseconds / 1_000_000_000_000_000) / 1000,
                    slotsPerProcess: slots, wantedProcesses: (load + slots - 1) / slots))
            return RouteAnswer(status: 200, type: "application/json", body: Array(body) + [UInt8(ascii: "\n")])
        } catch {
            // A guessed figure would start or stop processes; without one the autoscaler keeps what it has.
            return .problem(status: 503, title: "no figures", detail: CommandFailure(reporting: error).sentences)
        }
    }
}
