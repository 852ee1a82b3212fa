internal import Worker

extension ScalingFigures.Local {
    /// What the processes of a group told last.
    init(_ fleet: FleetState) {
        var waiting: [String: Int] = [:]
        let reports = fleet.ready.compactMap(\.report)
        for report in reports {
            for (lane, figures) in report.lanes { waiting[lane, default: 0] += figures.waiting }
        }
        self.init(waiting: waiting, claimedAge: reports.compactMap(\.claimedAge).max().map { .seconds($0) })
    }
}
