internal import ClientManager
internal import Sentinel
internal import Settings

extension ClientManagerService {
    /// The service of a role, with the times and names of moose.yaml.
    convenience init(_ role: RoleProcess, _ connections: Connections) {
        let settings = role.settings
        var stuck = StuckWatch()
        stuck.warnedAfter = settings.watch.stuckWarned
        stuck.escalatedAfter = settings.watch.stuckEscalated
        var sentinel = SentinelJudge()
        sentinel.workflows = settings.sentinel.workflows
        sentinel.deadline = settings.sentinel.deadline
        sentinel.unmatchedAfter = settings.sentinel.unmatchedAfter
        var retention: RetentionWatch?
        if settings.retention.isDaily { retention = RetentionWatch(Retention(days: settings.retention.days)) }
        self.init(
            store: connections.control, consumer: connections.consumer, publisher: connections.publisher,
            logger: role.logger, stuck: stuck, sentinel: sentinel, retention: retention,
            lanes: settings.lanes.keys.sorted(),
            maxMessageBytes: settings.defaults.maxMessageBytes, orders: connections.store, reporter: role.reporter)
    }
}
