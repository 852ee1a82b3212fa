import ArgumentParser
import FoundationEssentials
import Operations
import Postgres
import Store
import TestSupport
import Testing
import WorkOrders

@testable import Moose

struct SchedulesTests {
    private func edit(_ name: String = "nightly", reason: String? = "because") -> ScheduleEdit {
        ScheduleEdit(name: name, who: "ada", reason: reason)
    }

    private func add(
        to desk: BudgetDesk, _ name: String = "nightly", _ cron: String = "30 2 * * *", zone: String = "Europe/Berlin",
        replacing: Bool = false
    ) async throws -> (timeZone: String, next: Date) {
        try await edit(name).add(
            try CronExpression(cron), timeZone: zone, template: #"{"kind":"report","title":"r","lane":"default"}"#,
            replacing: replacing, in: desk.database)
    }

    @Test func `a schedule is added, seen, paused, resumed, run and removed, and each change is kept with who and why`()
        async throws
    {
        try await BudgetDesk.open { desk in
            let added = try await add(to: desk, zone: "europe/berlin")
            #expect(added.timeZone == "Europe/Berlin" && added.next > Date())
            let schedule = try #require(try await Schedule.all(in: desk.database).first)
            #expect(schedule.nextRunAt == added.next && schedule.kind == "report" && schedule.pausedAt == nil)
            #expect(try await edit().pause(in: desk.database))
            #expect(try await !edit().pause(in: desk.database), "it stays as it was")
            #expect(try await Schedule.find("nightly", in: desk.database).pausedBecause == "because")
            let id = try await edit().run(in: desk.database)
            #expect(
                try await desk.value(
                    """
                    SELECT count(*) FROM moose.outbox WHERE id = \(id) AND routing_key = 'default'
                    AND convert_from(body, 'UTF8')::json ->> 'schedule' = 'nightly'
                    """, as: Int64.self) == 1)
            #expect(try await edit().resume(in: desk.database) == added.next)
            #expect(try await edit().resume(in: desk.database) == nil)
            try await edit().remove(in: desk.database)
            #expect(try await Schedule.all(in: desk.database).isEmpty)
            let entries = try await desk.database.run(
                """
                SELECT action FROM moose.audit_log
                WHERE who = 'ada' AND subject = 'schedule nightly' AND reason = 'because' ORDER BY id
                """
            ).rows.map { row in try row.decode(0, as: String.self) }
            #expect(
                entries == [
                    "schedule insert", "schedule update", "schedule run", "schedule update", "schedule delete",
                ])
        }
    }

    @Test func `a name is taken once, unless it is to be replaced, and what isn't there is told`() async throws {
        try await BudgetDesk.open { desk in
            _ = try await add(to: desk)
            let taken = await #expect(throws: OperationError.self) { _ = try await add(to: desk) }
            #expect(taken?.kind == .refused && taken?.next?.contains("--replace") == true)
            let moved = try await add(to: desk, "nightly", "0 3 * * *", zone: "UTC", replacing: true)
            #expect(try await Schedule.find("nightly", in: desk.database).nextRunAt == moved.next)
            for missing in [
                await #expect(throws: OperationError.self) { try await edit("other").remove(in: desk.database) },
                await #expect(throws: OperationError.self) { _ = try await edit("other").pause(in: desk.database) },
                await #expect(throws: OperationError.self) { _ = try await edit("other").resume(in: desk.database) },
                await #expect(throws: OperationError.self) { _ = try await edit("other").run(in: desk.database) },
            ] {
                #expect(missing?.kind == .notFound)
                #expect(missing.map { CommandFailure(reporting: $0).status } == .refused)
            }
            let zone = await #expect(throws: OperationError.self) {
                _ = try await add(to: desk, "b", zone: "Germany/Berlin")
            }
            #expect(zone?.kind == .invalid && zone?.why?.contains("Europe/Berlin") == true)
        }
    }

    @Test func `the ticks of a pause are not made up for`() async throws {
        try await BudgetDesk.open { desk in
            _ = try await add(to: desk, "often", "* * * * *")
            _ = try await edit("often").pause(in: desk.database)
            try await desk.database.runSimple("UPDATE moose.schedules SET next_run_at = now() - interval '3 days'")
            #expect(try await Store(desk.database).dueSchedules().isEmpty)
            let next = try #require(try await edit("often").resume(in: desk.database))
            #expect(next > Date().addingTimeInterval(-60))
            #expect(try await desk.count("moose.schedules WHERE missed = 0") == 1)
        }
    }

    @Test(arguments: [
        (["nightly", "--cron", "0 25 * * *", "--kind", "k"], "hour (field 2 of 5)"),
        (["nightly", "--cron", "@reboot", "--kind", "k"], "@hourly"),
        (["Nightly", "--cron", "@daily", "--kind", "k"], "name of a schedule"),
        (["nightly", "--cron", "@daily", "--kind", "K"], "kind must match"),
        (["nightly", "--cron", "@daily", "--kind", "k", "--lane", "a.b"], "lane must match"),
        (["nightly", "--cron", "@daily", "--kind", "k", "--payload", "{oops"], "--payload is no valid JSON"),
        (["nightly", "--cron", "@daily", "--kind", "k", "--payload", #"{"a":1,"a":2}"#], "--payload names a twice"),
        (["nightly", "--cron", "@daily", "--kind", "k", "--fields", #"{"a":1,"\u0061":2}"#], "--fields names a twice"),
        (["nightly", "--cron", "@daily", "--kind", "k", "--fields", "[]"], "--fields is no JSON object"),
        (["nightly", "--cron", "@daily", "--kind", "k", "--fields", #"{"run_at":"2026-01-01T00:00:00Z"}"#], "run_at"),
        (["nightly", "--cron", "@daily", "--kind", "k", "--fields", #"{"kind":"other"}"#], "give --kind"),
        (["nightly", "--cron", "@daily", "--kind", "k", "--fields", #"{"lane":"llm"}"#], "give --lane"),
        (["nightly", "--cron", "@daily", "--kind", "k", "--estimated-cost", "-1"], "estimated_cost_usd is no amount"),
        (["nightly", "--cron", "@daily", "--kind", "k", "--max-attempts", "0"], "max_attempts"),
        (
            ["nightly", "--cron", "@daily", "--kind", "k", "--timeout-seconds", "-1"],
            "timeout_seconds must be between 1"
        ),
    ])
    func `a mistake on the command line is told before anything is written`(arguments: [String], text: String) throws {
        let command = try #require(try SchedulesAdd.parseAsRoot(arguments) as? SchedulesAdd)
        do throws(CommandFailure) {
            let edit = try command.options.edit()
            _ = try CronExpression(argument: command.cron)
            _ = try command.order.template(name: edit.name)
            Issue.record("it was taken: \(arguments)")
        } catch {
            #expect(error.status == .usage && error.description.contains(text), "\(error.description)")
        }
    }

    @Test func `what the flags make is an order that a worker takes`() throws {
        let command = try #require(
            try SchedulesAdd.parseAsRoot([
                "nightly", "--cron", "@daily", "--kind", "k", "--payload", #"{"a":[1.50,"é"]}"#, "--estimated-cost",
                "0.05",
                "--max-attempts", "3", "--timeout-seconds", "60", "--project", "p", "--agent", "a", "--fields",
                #"{"ticket":17}"#,
            ]) as? SchedulesAdd)
        let template = try command.order.template(name: "nightly")
        let form = try WorkOrderMessage.decode(Array(template.utf8), messageID: "\(UUID())", lane: "default")
        guard case .order(let order) = form else {
            Issue.record("it is no order: \(template)")
            return
        }
        #expect(order.kind == "k" && order.title == "nightly" && order.maxAttempts == 3 && order.timeoutSeconds == 60)
        #expect(order.estimate?.microdollars == 50_000 && order.project == "p" && order.agent == "a")
        #expect(template.contains(#""ticket":17"#))
    }
}
