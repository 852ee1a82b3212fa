import AMQP
import ArgumentParser
import FoundationEssentials
import Messaging
import TestSupport
import Testing
import WorkOrders

@testable import Moose

/// `moose publish` against a broker.
struct PublishCommandTests {
    private static func line(_ title: String, lane: String? = nil) -> String {
        #"{"kind":"k","title":"\#(title)"\#(lane.map { #","lane":"\#($0)""# } ?? "")}"#
    }

    /// A broker with the lane `default`, and a folder with a moose.yaml that names it.
    private func open(_ body: (_ folder: String, _ publisher: AMQPPublisher) async throws -> Void) async throws {
        try await TestStack.shared.withVirtualHost { url in
            let folder = FileManager.default.temporaryDirectory.appending(path: "moose-publish-\(UUID())").path
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            let publisher = try AMQPPublisher(configuration: AMQPConfiguration(url: url))
            let result = await asyncResult {
                try Data("amqp_url: \(url)\n".utf8).write(to: URL(filePath: "\(folder)/moose.yaml"))
                try await publisher.connect()
                try await publisher.declare(MooseTopology.topology(lanes: ["default"]))
                try await body(folder, publisher)
            }
            await publisher.close()
            try FileManager.default.removeItem(atPath: folder)
            try result.get()
        }
    }

    /// The status it exits with.
    private func publish(_ folder: String, _ arguments: [String]) async throws -> Int32 {
        let arguments = ["--config", "\(folder)/moose.yaml"] + arguments
        let command = try #require(try PublishCommand.parseAsRoot(arguments) as? PublishCommand)
        do {
            try await command.run()
            return 0
        } catch let code as ExitCode {
            return code.rawValue
        }
    }

    private func waiting(_ publisher: AMQPPublisher) async throws -> Int? {
        try await publisher.queueStatistics(MooseTopology.workQueue(lane: "default"))?.messages
    }

    @Test(arguments: [[], ["--spool"]])
    func `a line whose lane has no queue is left out, and the others are published`(flags: [String]) async throws {
        try await open { folder, publisher in
            let file = "\(folder)/orders.ndjson"
            let flags = flags.isEmpty ? [] : ["--spool", "\(folder)/spool"]
            let orders = [Self.line("a"), Self.line("b", lane: "nowhere"), "[]", Self.line("c", lane: "default")]
            try Data(orders.joined(separator: "\n").utf8).write(to: URL(filePath: file))
            #expect(try await publish(folder, ["--file", file] + flags) == 1)
            try await eventually("two wait", timeout: .seconds(30)) { try await waiting(publisher) == 2 }

            try Data(Self.line("b", lane: "nowhere").utf8).write(to: URL(filePath: file))
            #expect(try await publish(folder, ["--file", file] + flags) == 2, "nothing was left")
            #expect(try await waiting(publisher) == 2)
        }
    }

    @Test func `one order for a lane without a queue is refused`() async throws {
        try await open { folder, publisher async throws in
            #expect(try await publish(folder, ["--kind", "k", "--title", "t", "--lane", "nowhere"]) == 4)
            #expect(try await waiting(publisher) == 0)
        }
    }

    @Test func `a line left out is told by its number, and counted as people count`() throws {
        let text = [Self.line("a", lane: "x"), "[]", Self.line("b"), Self.line("c", lane: "x")].joined(separator: "\n")
        var lines = OrderLines(Array(text.utf8), lane: "default", limit: 1_000_000, kinds: [])
        #expect(PublishCommand.missing(lines) == "1 line was not published; 3 orders were")
        #expect(lines.problems.map { "\($0.problem)" } == ["malformed: the body must be a JSON object"])
        let found = lines.leaveOut(lanesWithoutQueue: ["x"])
        #expect(found.map(\.line) == [1, 4] && lines.problems.map(\.line) == [1, 2, 4])
        #expect(found.first?.problem.explanation.contains("the lane x has no queue") == true)
        #expect(lines.orders.map(\.line) == [3])
        #expect(PublishCommand.missing(lines) == "3 lines were not published; 1 order was")
        #expect(lines.leaveOut(lanesWithoutQueue: []).isEmpty && lines.orders.count == 1)
    }
}
