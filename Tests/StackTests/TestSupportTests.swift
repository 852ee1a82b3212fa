import FoundationEssentials
import Glibc
import Stack
import TestSupport
import Testing

struct TestSupportTests {
    @Test func `each test gets a database of its own, migrated, and dropped afterwards`() async throws {
        let support = TestStack.shared
        let stack = try await support.stack()
        let migrate: @Sendable (String) async throws -> Void = { url in
            let name = try #require(url.split(separator: "/").last.map(String.init))
            _ = try await stack.query("CREATE TABLE things (name text)", database: name)
        }
        async let first = support.withDatabase(template: "things", migrate: migrate) { url in
            let name = try #require(url.split(separator: "/").last.map(String.init))
            _ = try await stack.query("INSERT INTO things VALUES ('mine')", database: name)
            return (name, try await stack.query("SELECT count(*) FROM things", database: name))
        }
        async let second = support.withDatabase(template: "things", migrate: migrate) { url in
            let name = try #require(url.split(separator: "/").last.map(String.init))
            return (name, try await stack.query("SELECT count(*) FROM things", database: name))
        }
        let ((firstName, mine), (secondName, others)) = try await (first, second)
        #expect(mine == "1" && others == "0")
        let left = try await stack.query(
            "SELECT count(*) FROM pg_database WHERE datname IN ('\(firstName)', '\(secondName)')"
        )
        #expect(left == "0")
    }

    @Test func `each test gets a virtual host of its own, deleted also when the test fails`() async throws {
        struct Failure: Error {}
        let support = TestStack.shared
        let stack = try await support.stack()
        var name = ""
        await #expect(throws: Failure.self) {
            try await support.withVirtualHost { url in
                name = String(url.split(separator: "/").last ?? "")
                #expect(try await stack.evaluate("rabbit_vhost:exists(<<\"\(name)\">>).") == "true")
                throw Failure()
            }
        }
        #expect(try await stack.evaluate("rabbit_vhost:exists(<<\"\(name)\">>).") == "false")
    }

    @Test func `a killed test process leaves no server and no file`() async throws {
        let folder = "/tmp/moose-tests-killed-\(getpid())"
        await #expect(processExitsWith: .signal(SIGKILL)) { [folder = folder as String] in
            try TestStack.guardUntilExit(folder)
            _ = try await Stack(folder: "\(folder)/.moose").start()
            kill(getpid(), SIGKILL)
        }
        try await eventually("the folder is gone") { !FileManager.default.fileExists(atPath: folder) }
    }

    @Test func `the clock wakes sleepers in time and only then`() async throws {
        let clock = MockClock()
        let early = Task { try await clock.sleep(for: .seconds(1)) }
        let late = Task { try await clock.sleep(for: .seconds(3)) }
        await clock.waitForSleepers(2)
        clock.advance(by: .seconds(2))
        try await early.value
        late.cancel()
        await #expect(throws: CancellationError.self) { try await late.value }
        #expect(clock.now.offset == .seconds(2))
    }

    @Test func `a seed repeats its numbers`() {
        // The reference values of the published algorithm for seed 1234567.
        var generator = SplitMix64(seed: 1_234_567)
        #expect(generator.next() == 6_457_827_717_110_365_317)
        #expect(generator.next() == 3_203_168_211_198_807_973)
    }

    @Test func `what never happens fails the test at its own line`() async {
        await withKnownIssue {
            try await eventually("pigs fly", timeout: .milliseconds(1)) { false }
        }
    }
}
