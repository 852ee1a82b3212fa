import AMQP
import AsyncHTTPClient
import FoundationEssentials
import Messaging
import Postgres
import Publisher
import Store
import TestSupport
import Testing
import WorkOrders

@testable import Worker

/// Input that means harm or nonsense, through a real worker. docs/bad-input.md says which test has which item.
struct BadInputTests {
    private static let sql = #"'); DROP TABLE moose.work_orders; -- "$1" \\ %s ${x} \u0027"#

    private static let done = PoolScriptedHandler.registry { _ in
        .completed(AttemptReport(didStart: true, cost: .zero, result: Array("{}".utf8)))
    }

    @Test func `SQL in every field is text and nothing else`() async throws {
        try await PoolBench.open { bench in
            let sql = Self.sql
            let handlers = PoolScriptedHandler.registry { job in
                guard job.attempt > 1 else {
                    return .failed(
                        AttemptFailure(.testFail, sql, retry: .after(.zero)),
                        AttemptReport(didStart: true, cost: .zero, output: sql))
                }
                return .completed(AttemptReport(didStart: true, cost: .zero, result: Array(job.body), output: sql))
            }
            try await bench.withPool(handlers) { _, _ in
                let text = String(decoding: try JSONEncoder().encode(sql), as: UTF8.self)
                let body = """
                    {"kind":"work","title":\(text),"payload":{\(text):[\(text)]},"project":\(text),"agent":\(text),
                    "acceptance_criteria":[\(text)],"files_in_scope":[\(text)],"metadata":{\(text):\(text)},\(text):\(text)}
                    """
                var message = OutgoingMessage.workOrder(
                    id: .timeOrdered(), lane: "default", body: Array(body.utf8), appID: sql, traceparent: sql)
                message.properties.correlationID = sql
                message.properties.replyTo = sql
                try await bench.publisher.publish([message])
                try await bench.waitFor(
                    1,
                    """
                    moose.work_orders WHERE state = 'completed' AND title = project AND project = agent
                    AND agent = app_id AND app_id = traceparent AND traceparent = reply_to
                    AND reply_to = correlation_id AND result = body
                    """)
            }
            let row = try #require(
                try await bench.control.postgres.run(
                    """
                    SELECT w.title, v.error, v.output, convert_from(w.body, 'UTF8')::json ->> v.error
                    FROM moose.work_orders w
                    JOIN moose.outcome_vectors v ON v.work_order_id = w.id AND v.fencing_token = 1
                    """
                ).first)
            for column in 0..<4 { #expect(try row.decode(column, as: String.self) == sql) }
        }
    }

    @Test func `the id of a finished job brings nothing back, whatever body comes with it`() async throws {
        try await PoolBench.open { bench in
            try await bench.withPool(Self.done) { _, _ in
                let id = UUID.timeOrdered()
                let body = #"{"kind":"work","title":"t"}"#
                try await bench.publish([(id, body)])
                try await bench.waitFor(1, "moose.work_orders WHERE state = 'completed'")
                try await bench.publish([(id, body), (id, #"{"kind":"work","title":"another"}"#)])
                try await bench.waitFor(1, "moose.dead_letters WHERE reason = 'id_reused' AND work_order_id = '\(id)'")
                try await bench.publishWork(1)
                try await bench.waitFor(2, "moose.work_orders WHERE state = 'completed'")
                #expect(try await bench.count("moose.outcome_vectors WHERE work_order_id = '\(id)'") == 1)
                #expect(try await bench.count("moose.work_orders WHERE id = '\(id)' AND title = 't'") == 1)
            }
        }
    }

    @Test func `a negative or absurd cost never becomes an order`() async throws {
        try await PoolBench.open { bench in
            try await bench.withPool(Self.done) { _, _ in
                let costs = [
                    "-1", "-0.000001", "\"-1\"", "1e300", "\"1e3\"", "1000000001", "\"NaN\"", "\"Infinity\"", "\"\"",
                    "[]",
                ]
                try await bench.publish(
                    costs.map { (.timeOrdered(), #"{"kind":"work","title":"t","estimated_cost_usd":\#($0)}"#) })
                try await bench.waitFor(Int64(costs.count), "moose.dead_letters WHERE reason = 'invalid_field'")
                #expect(try await bench.count("moose.work_orders") == 0)
                #expect(try await bench.count("moose.budget_holds") == 0)
            }
        }
    }

    @Test func `a kind that looks like a path or a command starts nothing`() async throws {
        try await PoolBench.open { bench in
            let commands = try CommandHandlerTestsBench()
            var handlers = HandlerRegistry()
            handlers.register("work", .init(commands.handler(script: "exit 0"), defaultEstimate: .zero))
            try await bench.withPool(handlers) { _, _ in
                let kinds = [
                    "../../bin/sh", "/bin/sh", "work/../work", "work;id", "$(id)", "wor\\u0000k", "..", "WORK",
                ]
                try await bench.publish(
                    kinds.map { (.timeOrdered(), #"{"kind":"\#($0)","title":"t","estimated_cost_usd":0}"#) })
                try await bench.waitFor(Int64(kinds.count), "moose.dead_letters WHERE reason = 'invalid_field'")
                #expect(try await bench.count("moose.outcome_vectors") == 0)
            }
        }
    }

    private static let context = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

    @Test(arguments: [
        "00-a-b-01\r\nX-Admin: true", context + "\r\nX-Admin: true", context + "-more", context.uppercased(), "", "ü",
        context.replacing("-", with: "_"), String(context.dropLast()), "\n" + context,
    ])
    func `a trace context that is none, or smuggles a header, is not passed on, and the order runs`(text: String)
        async throws
    {
        let server = try HTTPHandlerTestsServer { _ in .reply(200) }
        let client = HandlerClient(connectionsPerHost: 1)
        let handler = HTTPHandler(HTTPConfiguration(url: "http://127.0.0.1:\(server.port)/"), client: client)
        let job = CommandHandlerTestsBench.job(traceparent: text)
        let outcome = await handler.run(job)
        try await client.shutdown()
        #expect(outcome.isCompleted, "it is the publisher's header, and no fault of the service")
        #expect(server.requests.count == 1)
        #expect(
            server.requests.allSatisfy { request in
                ["x-admin", "X-Admin", "traceparent"].allSatisfy { request.headers[$0] == nil }
            })
        #expect(job.traceparent == nil, "what no handler gets, a command doesn't")
        #expect(CommandHandlerTestsBench.job(traceparent: Self.context).traceparent == Self.context)
    }

    @Test func `the wrong protocol on a port is an error in words, both ways`() async throws {
        try await TestStack.shared.withBoth { amqpURL, databaseURL in
            let broker = try #require(amqpURL.split(separator: "@").last?.split(separator: "/").first)
            let database = try #require(databaseURL.split(separator: "@").last?.split(separator: "/").first)
            let publisher = try AMQPPublisher(
                configuration: try AMQPConfiguration(url: "amqp://a:b@\(database)/v"),
                topology: PoolBench.topology)
            let said = await #expect(throws: AMQPError.self) { try await publisher.connect() }
            #expect(said.map { !"\($0)".contains(":b@") } == true)
            await publisher.close()
            var configuration = PostgresConfiguration(url: "postgresql://a:b@\(broker)/d")
            configuration.acquireTimeout = .seconds(5)
            let client = try PostgresClient(configuration: configuration, maxConnections: 1)
            await #expect(throws: PostgresError.self) { try await client.connect() }
            await client.close()
        }
    }
}
