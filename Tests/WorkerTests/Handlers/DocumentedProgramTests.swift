import FoundationEssentials
import Synchronization
import TestSupport
import Testing
import WorkOrders

@testable import Worker

/// What the documentation shows to people with other languages really becomes work that is done.
@Suite(.serialized)
struct DocumentedProgramTests {
    private static let defaultURL = "amqp://guest:guest@127.0.0.1:5672/%2F"

    /// Runs the body beside a worker that completes whatever comes; gives it what the handlers have seen.
    private func withWorker(
        _ body: (PoolBench, _ done: () -> [UUID: [UInt8]]) async throws -> Void
    ) async throws {
        try await PoolBench.open { bench in
            let seen = Mutex<[UUID: [UInt8]]>([:])
            let handler = PoolScriptedHandler { job in
                seen.withLock { $0[job.id] = job.body }
                return .completed(AttemptReport(didStart: true, cost: .zero))
            }
            var handlers = HandlerRegistry()
            handlers.register("create_project", .init(handler))
            try await bench.withPool(handlers) { _, _ in try await body(bench) { seen.withLock { $0 } } }
            #expect(try await bench.count("moose.dead_letters") == 0)
            #expect(try await bench.count("moose.outcome_vectors WHERE NOT success") == 0)
        }
    }

    @Test(arguments: [("./publish_with_pika.py", ""), ("./publish_with_amqp_tools.sh", "default")])
    func `a program publishes its sample and the orders it is given`(program: String, lane: String) async throws {
        try await withWorker { bench, seen in
            let sample = try await DocumentedProgram.run("\(program) --sample", amqpURL: bench.amqpURL)
            #expect(sample.succeeded, "\(sample.complaint)")
            let id = try #require(sample.lines.first.flatMap(UUID.init(uuidString:)))
            let given = (1...3).map { number in
                (UUID.timeOrdered(), #"{"kind": "create_project",  "title": "n\u00ba \#(number)", "id": ""#)
            }
            let lines = given.map { id, start in "\(start)\(id)\", \"estimated_cost_usd\": 0.01}" }
            // Twice: sending the same lines again is safe.
            for _ in 1...2 {
                let run = try await DocumentedProgram.run(
                    "\(program) \(lane)", input: lines.joined(separator: "\n"), amqpURL: bench.amqpURL)
                #expect(run.succeeded, "\(run.complaint)")
            }
            try await bench.waitFor(4, "moose.work_orders WHERE state = 'completed' AND attempt = 1")
            #expect(Set(seen().keys) == Set(given.map(\.0) + [id]))
            for ((id, _), line) in zip(given, lines) { #expect(seen()[id] == Array(line.utf8)) }
            #expect(try JSONValue(text(seen()[id]))["kind"] == .string("create_project"))
        }
    }

    @Test func `the Python lines of the page do what the program does`() async throws {
        let snippet = try WireFormatPage().program(in: "python")
        try await withWorker { bench, seen in
            let parts = snippet.split(separator: Self.defaultURL, omittingEmptySubsequences: false)
            try #require(parts.count == 2)
            try await same(
                "/usr/bin/python3 -", input: parts.joined(separator: bench.amqpURL), as: "./publish_with_pika.py",
                bench, seen)
        }
    }

    @Test func `the shell lines of the page do what the program does`() async throws {
        let snippet = try WireFormatPage().program(in: "sh")
        try await withWorker { bench, seen in
            let parts = snippet.split(separator: "amqp-publish ", omittingEmptySubsequences: false)
            try #require(parts.count == 2)
            try await same(
                "sh -eu", input: parts.joined(separator: "amqp-publish --url=\"$MOOSE_AMQP_URL\" "),
                as: "./publish_with_amqp_tools.sh", bench, seen)
        }
    }

    /// The orders may differ in words, not in their lane, fields, kind and price.
    private func same(
        _ command: String, input: String, as program: String, _ bench: PoolBench, _ seen: () -> [UUID: [UInt8]]
    ) async throws {
        let lines = try await DocumentedProgram.run(command, input: input, amqpURL: bench.amqpURL)
        #expect(lines.succeeded, "\(lines.complaint)")
        let sample = try await DocumentedProgram.run("\(program) --sample", amqpURL: bench.amqpURL)
        #expect(sample.succeeded, "\(sample.complaint)")
        try await bench.waitFor(2, "moose.work_orders WHERE state = 'completed' AND lane = 'default'")
        let orders = try seen().values.map { try JSONValue(text($0)) }
        #expect(orders.count == 2)
        for field in ["kind", "estimated_cost_usd"] { #expect(Set(orders.map { $0[field] }).count == 1, "\(field)") }
        #expect(Set(orders.map { Set($0.object.keys) }).count == 1)
        #expect(Set(orders.map { Set($0["payload"].object.keys) }).count == 1)
    }

    @Test func `the Python program ends with the status it promises`() async throws {
        try await TestStack.shared.withVirtualHost { url in
            func run(_ arguments: String, input: String = "", url: String) async throws -> DocumentedProgram {
                try await DocumentedProgram.run("./publish_with_pika.py \(arguments)", input: input, amqpURL: url)
            }
            let noLane = try await run("--sample nowhere", url: url)
            #expect(noLane.status == "exited(1)" && noLane.complaint.contains("moose topology apply"))
            let noJSON = try await run("", input: "{\"kind\": \n", url: url)
            #expect(noJSON.status == "exited(2)" && noJSON.complaint.hasPrefix("line 1 is no work order"))
            let noBroker = try await run("--sample", url: "amqp://user:hidden@127.0.0.1:1/%2F")
            #expect(noBroker.status == "exited(3)" && !noBroker.complaint.contains("hidden"))
        }
    }

    private func text(_ bytes: [UInt8]?) -> String { String(decoding: bytes ?? [], as: UTF8.self) }
}
