import FoundationEssentials
import Glibc
import Stack
import TestSupport
import Testing

/// The real servers, in folders of their own, because these tests kill them.
@Suite(.serialized)
struct StackTests {
    @Test func `a stack starts once, is found running, and stops without a trace`() async throws {
        try await withFolder { folder in
            let stack = Stack(folder: folder)
            let first = try await stack.start()
            let second = try await stack.start()
            #expect(first == second)
            #expect(try await stack.status().isReady)
            #expect(try await stack.query("SHOW fsync") == "on")
            #expect(try await stack.query("SELECT current_database()") == "moose")
            #expect(try await stack.evaluate("1 + 1.") == "2")
            try await stack.stop()
            let status = try await stack.status()
            #expect(status.broker.state == .stopped && status.database.state == .stopped)
            #expect(kill(first.brokerPID, 0) != 0 || isZombie(first.brokerPID))
        }
    }

    @Test func `data, ports and passwords survive a crash of both servers`() async throws {
        try await withFolder { folder in
            let stack = Stack(folder: folder)
            let before = try await stack.start()
            _ = try await stack.query("CREATE TABLE kept AS SELECT 42 AS answer")
            _ = try await stack.query("CHECKPOINT")
            try await stack.kill(.database)
            try await stack.kill(.broker)
            #expect(try await stack.status().broker.state == .stopped)
            let after = try await stack.start()
            #expect(after.amqpURL == before.amqpURL && after.databaseURL == before.databaseURL)
            #expect(after.brokerPID != before.brokerPID && after.databasePID != before.databasePID)
            #expect(try await stack.query("SELECT answer FROM kept") == "42")
        }
    }

    @Test func `three starts at once make one stack, and another folder another`() async throws {
        try await withFolder { folder in
            async let one = Stack(folder: folder).start()
            async let two = Stack(folder: folder).start()
            async let three = Stack(folder: folder).start()
            async let other = Stack(folder: folder + "-other").start()
            let (first, second, third, foreign) = try await (one, two, three, other)
            #expect(first == second && second == third)
            #expect(Set([first.amqpPort, first.databasePort, foreign.amqpPort, foreign.databasePort]).count == 4)
            try await Stack(folder: folder + "-other").remove()
            #expect(try await Stack(folder: folder).status().isReady)
        }
    }

    @Test func `a record that a crash cut short leads to a fresh start`() async throws {
        try await withFolder { folder in
            let stack = Stack(folder: folder)
            let before = try await stack.start()
            try Data("{\"ports\":".utf8).write(to: URL(filePath: folder + "/stack.json"))
            let after = try await stack.start()
            #expect(after.brokerPID != before.brokerPID)
            #expect(try await stack.status().isReady)
        }
    }

    @Test func `a frozen server is unresponsive until it may go on`() async throws {
        try await withFolder { folder in
            let stack = Stack(folder: folder)
            _ = try await stack.start()
            try stack.signal(.broker, SIGSTOP)
            #expect(try await stack.status().broker.state == .unresponsive)
            try stack.signal(.broker, SIGCONT)
            try await eventually("the broker answers again") { try await stack.status().isReady }
        }
    }

    @Test func `options reach the broker, and other options restart it`() async throws {
        try await withFolder { folder in
            let first = try await Stack(folder: folder).start()
            let strict = Stack(
                folder: folder,
                options: StackOptions(consumerTimeout: .seconds(7), channelTickInterval: .seconds(2))
            )
            let second = try await strict.start()
            #expect(second.brokerPID != first.brokerPID && second.databasePID == first.databasePID)
            #expect(try await strict.evaluate("application:get_env(rabbit, consumer_timeout).") == "{ok, 7000}")
            #expect(try await strict.evaluate("application:get_env(rabbit, channel_tick_interval).") == "{ok, 2000}")
        }
    }

    @Test func `a server that can't start says why, with the end of its log`() async throws {
        try await withFolder { folder in
            let stack = Stack(folder: folder)
            _ = try await stack.start()
            try await stack.stop()
            let control = folder + "/servers/database/data/global/pg_control"
            try FileManager.default.removeItem(atPath: control)
            let error = await #expect(throws: StackError.self) { try await stack.start() }
            #expect("\(try #require(error))".contains("pg_control"))
            #expect(try await stack.status().broker.state == .stopped, "what this start began has ended")
        }
    }

    @Test func `questions about a folder without a stack name the next step`() async throws {
        let error = #expect(throws: StackError.self) { try Stack(folder: "/tmp/moose-no-such-folder").environment() }
        #expect("\(try #require(error))".contains("moose stack start"))
    }

    private func withFolder(_ body: (String) async throws -> Void) async throws {
        let folder = "/tmp/moose-stack-tests-\(getpid())-\(UInt32.random(in: .min ... .max))/.moose"
        let parent = String(folder.dropLast("/.moose".count))
        do {
            try TestStack.guardUntilExit(parent)
            try await body(folder)
        } catch {
            try await Stack(folder: folder).remove()
            throw error
        }
        try await Stack(folder: folder).remove()
        try FileManager.default.removeItem(atPath: parent)
    }

    private func isZombie(_ pid: Int32) -> Bool {
        let stat = FileManager.default.contents(atPath: "/proc/\(pid)/stat").map { Array($0) } ?? []
        return String(decoding: stat, as: UTF8.self).contains(") Z ")
    }
}
