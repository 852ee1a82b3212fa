package import Logging
package import Reporting
internal import WorkOrders

/// Looks at the figures again and again and lets ``AutoscalePolicy`` decide; writes each step into the log.
package struct Autoscaler: Sendable {
    private let terms: AutoscaleTerms
    /// Slots of each lane in one process.
    private let slots: [String: Int]
    private let figures: ScalingFigures
    private let fleet: Fleet
    private let logger: Logger
    private let reporter: Reporter

    package init(
        _ terms: AutoscaleTerms, slots: [String: Int], figures: ScalingFigures, fleet: Fleet, logger: Logger,
        reporter: Reporter
    ) {
        self.terms = terms
        self.slots = slots
        self.figures = figures
        self.fleet = fleet
        self.logger = logger
        self.reporter = reporter
    }

    /// Runs until the task is cancelled.
    package func run() async {
        var policy = AutoscalePolicy(terms)
        var isBlind = false
        while !Task.isCancelled {
            // Cancelled: the loop's condition ends it.
            try? await Task.sleep(for: terms.interval)
            let state = fleet.snapshot
            guard !Task.isCancelled, !state.isStopping else { continue }
            do {
                let seen = ScalingObservation(state, figures: try await figures.current(), slots: slots)
                isBlind = false
                logger.debug("autoscale", metadata: ["figures": "\(seen.figures)", "processes": "\(state.wanted)"])
                guard case .resize(let size, let why) = policy.decide(seen, wanted: state.wanted, at: .now) else {
                    continue
                }
                let verb = size > state.wanted ? "grow" : "shrink"
                logger.info("\(verb) \(state.wanted) → \(size): \(why)")
                fleet.resize(to: size)
            } catch {
                policy.figuresMissing()
                guard !isBlind else { continue }
                isBlind = true
                reporter.report(
                    "autoscale", "the autoscaler sees no figures; the number of processes stays", error: error,
                    details: [.processes: "\(state.wanted)"])
            }
        }
    }
}

extension ScalingObservation {
    /// What is known of a group and of the lanes it works.
    init(_ fleet: FleetState, figures: [String: LaneFigures], slots: [String: Int]) {
        let ready = fleet.ready
        self.init(
            lanes: slots.sorted { $0.key < $1.key }.map { lane, slots in
                Lane(
                    name: lane, queued: figures[lane]?.queued ?? 0, oldestAge: figures[lane]?.oldestAge ?? .zero,
                    running: ready.reduce(0) { $0 + ($1.report?.lanes[lane]?.running ?? 0) }, slotsPerProcess: slots)
            }, ready: ready.count, starting: fleet.active.count - ready.count,
            draining: fleet.members.count - fleet.active.count)
    }
}
