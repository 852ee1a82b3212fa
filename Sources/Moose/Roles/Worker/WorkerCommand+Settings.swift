internal import FoundationEssentials
internal import Glibc
internal import Probes
internal import Settings
internal import Store
internal import WorkOrders
internal import Worker

/// What the command line says before moose.yaml.
extension WorkerCommand {
    /// Refuses what this machine would refuse in the middle of the work.
    ///
    /// - Parameter processes: how many workers there may be.
    /// - Throws: ``CommandFailure`` with ``ExitStatus/usage`` and what is short.
    func checkHost(_ settings: Settings, processes: Int) throws(CommandFailure) {
        let runsCommands = settings.handlers.values.contains { if case .command = $0.transport { true } else { false } }
        let slots = workedLanes(settings).reduce(0) { $0 + $1.slots }
        if let shortage = HostLimits.shortage(slots: slots, commands: runsCommands, processes: processes) {
            throw CommandFailure(shortage, status: .usage)
        }
    }

    /// The lanes of each process.
    func workedLanes(_ settings: Settings) -> [WorkerConfiguration.Lane] {
        let all = settings.lanes.sorted { $0.key < $1.key }.map { lane in
            WorkerConfiguration.Lane(name: lane.key, slots: 4 * lane.value.weight, weight: lane.value.weight)
        }
        let given = lanes.map { argument in
            var lane = argument.lane
            lane.weight = settings.lanes[lane.name]?.weight ?? 1
            return lane
        }
        return given.isEmpty ? all : given
    }

    /// The slots of each process, by lane.
    func workedSlots(_ settings: Settings) -> [String: Int] {
        Dictionary(workedLanes(settings).map { ($0.name, $0.slots) }) { first, _ in first }
    }

    /// Every lane there is, with its slots in a process that works it.
    func slotsByLane(_ settings: Settings) -> [String: Int] {
        settings.lanes.mapValues { 4 * $0.weight }.merging(workedSlots(settings)) { $1 }
    }

    /// Where a process without a parent serves HTTP.
    func address(_ settings: Settings) -> ServerAddress {
        ServerAddress(listen?.address ?? settings.worker.listen)
    }

    /// The memory a process may hold, in bytes; nil: any amount.
    func maxResidentBytes(_ settings: Settings) -> Int64? { maxRss?.bytes ?? settings.worker.maxResidentBytes }

    /// How long running jobs may take to end.
    func drainingTime(_ settings: Settings) -> Duration {
        drainTimeout.map { .seconds($0) } ?? settings.worker.drainTimeout
    }

    /// How a process works.
    func workerConfiguration(_ settings: Settings) -> WorkerConfiguration {
        var configuration = WorkerConfiguration(settings, lanes: workedLanes(settings))
        configuration.host = HostName.current
        if let id = supervisor.flatMap(UUID.init(uuidString:)), let process {
            configuration.supervisor = WorkerSupervisor(id: id, pid: getppid(), process: process)
        }
        configuration.drainTimeout = drainingTime(settings)
        return configuration
    }

    /// What the processes of a group are started with, besides what is each one's own.
    func childArguments(logFormat: String) -> [String] {
        var arguments = ["worker", "--log-format", logFormat]
        if let config { arguments += ["--config", config] }
        for lane in lanes { arguments += ["--lane", "\(lane.lane.name):\(lane.lane.slots)"] }
        if let drainTimeout { arguments += ["--drain-timeout", "\(drainTimeout)"] }
        return arguments
    }
}
