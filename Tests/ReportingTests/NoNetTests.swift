import FoundationEssentials
import Reporting
import Spool
import TestSupport
import Testing
import WorkOrders

struct NoNetTests {
    @Test func `a report that no net takes stays, health says so, and it is kept once there is room`() async throws {
        let root = FileManager.default.temporaryDirectory.path + "/moose-spool-\(UUID().uuidString)"
        defer {
            // The test's own clean-up: a failure before may have left nothing.
            try? FileManager.default.removeItem(atPath: root)
        }
        // A file where the folder should be stands for a disk that takes nothing.
        try Data().write(to: URL(filePath: root))
        let spool = try Spool(folder: root)
        let reporter = Reporter(component: "worker", logger: NetsBench.logger)
        let delivery = ReportDelivery(reporter, store: nil, publisher: nil, spool: spool, logger: NetsBench.logger)
        let running = Task { await delivery.run() }
        for operation in ["one", "two", "three"] {
            reporter.report(operation, "it broke", failureClass: .infrastructure)
        }
        try await eventually("health tells of it", timeout: .seconds(60)) { delivery.trouble?.contains(root) == true }
        #expect(!reporter.isDelivered)
        try FileManager.default.removeItem(atPath: root)
        try await eventually("it is kept", timeout: .seconds(60)) { reporter.isDelivered }
        #expect(delivery.trouble == nil)
        running.cancel()
        await running.value
        #expect(try await messages(in: root) == 3)
    }

    @Test func `the end of a process spools what was only counted`() async throws {
        let root = FileManager.default.temporaryDirectory.path + "/moose-spool-\(UUID().uuidString)"
        let spool = try Spool(folder: root)
        let reporter = Reporter(component: "worker", logger: NetsBench.logger)
        let delivery = ReportDelivery(reporter, store: nil, publisher: nil, spool: spool, logger: NetsBench.logger)
        let running = Task { await delivery.run() }
        reporter.report("one", "it broke", failureClass: .infrastructure)
        try await eventually("the first is kept", timeout: .seconds(60)) { reporter.isDelivered }
        for _ in 1...5 { reporter.report("one", "it broke", failureClass: .infrastructure) }
        running.cancel()
        await running.value
        await delivery.finish()
        #expect(try await messages(in: root) == 2)
        try FileManager.default.removeItem(atPath: root)
    }

    /// What another process would find of what the test reported; the spool may have told of its own trouble.
    private func messages(in folder: String) async throws -> Int {
        var count = 0
        let held = try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
        for name in held {
            let text = try String(contentsOfFile: "\(folder)/\(name)", encoding: .utf8)
            count += text.split(separator: "\n").count { $0.contains("it broke") }
        }
        return count
    }
}
