internal import AMQP
internal import ArgumentParser
internal import FoundationEssentials
internal import Messaging
internal import Operations
internal import Publisher
internal import Settings
internal import WorkOrders

/// `moose schedules add`.
struct SchedulesAdd: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "add",
        abstract: "Add a schedule: a work order at each tick of a cron expression.",
        discussion: """
            Five fields: minute, hour, day of month, month, day of week; or @hourly, @daily, @weekly, @monthly, @yearly. \
            An order finds the schedule's name and its tick in its body, as schedule and scheduled_for. A lane without a \
            queue, and a kind whose price nobody knows, are refused.

            EXAMPLES
              moose schedules add nightly --cron "30 2 * * *" --time-zone Europe/Berlin --kind report
              moose schedules add lint --cron "*/15 9-17 * * mon-fri" --kind lint --payload '{"path":"src"}'
              moose schedules add nightly --replace --cron @daily --kind report --reason "earlier"
            """)

    @OptionGroup var options: ScheduleOptions
    @Option(help: "When it ticks.") var cron: String
    @Option(help: "The time zone of the expression, such as Europe/Berlin.") var timeZone = "UTC"
    @OptionGroup var order: ScheduledOrderFlags
    @Flag(help: "Replace the schedule of this name.") var replace = false
    @OptionGroup var common: CommonOptions

    /// What `moose publish` would refuse is refused here, too: nobody reads the answer to an order at night.
    private func checkDestination(_ settings: Settings) async throws {
        let kinds = settings.handlers.keys
        guard order.estimatedCost != nil || kinds.isEmpty || kinds.contains(order.kind) else {
            throw CommandFailure(
                "no handler in moose.yaml gives the kind \(order.kind) a price",
                next: "Correct the kind, or give --estimated-cost", status: .usage)
        }
        try await TopologyAccess.withPublisher(settings) { publisher in
            guard try await publisher.queueExists(MooseTopology.workQueue(lane: order.lane)) else {
                throw UnknownLane(lane: order.lane)
            }
        }
    }

    func run() async throws {
        try await runCommand {
            let edit = try options.edit()
            let expression = try CronExpression(argument: cron)
            let template = try order.template(name: edit.name)
            try await checkDestination(try common.settings())
            let added = try await common.withDatabase { database in
                try await edit.add(
                    expression, timeZone: timeZone, template: template, replacing: replace, in: database)
            }
            let answer = CommandAnswer(
                text: "\(edit.name) ticks first at \(Moment.minute(added.next)); its zone is \(added.timeZone).\n",
                json: [
                    "name": .string(edit.name), "cron": .string(expression.description),
                    "time_zone": .string(added.timeZone), "next_run_at": .time(added.next),
                ])
            try answer.show(common)
        }
    }
}
