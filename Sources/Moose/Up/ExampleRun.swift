internal import AMQP
internal import FoundationEssentials
internal import Operations
internal import Postgres
internal import Publisher
internal import Settings
internal import WorkOrders

/// Publishes the example's work orders, watches them end, and prints what came of them.
struct ExampleRun: Sendable {
    let folder: String
    let client: PostgresClient
    let settings: Settings

    /// - Throws: ``CommandFailure`` when an order did not end as `expected.json` says, or the books don't balance.
    func run() async throws {
        let bytes = Array(try Data(contentsOf: URL(filePath: "\(folder)/work-orders.ndjson")))
        let lines = OrderLines(
            bytes, lane: "default", limit: settings.defaults.maxMessageBytes,
            kinds: Set(settings.handlers.keys))
        if let (line, problem) = lines.problems.first {
            throw CommandFailure("\(folder)/work-orders.ndjson, line \(line): \(problem)", status: .usage)
        }
        let messages = lines.messages
        try await TopologyAccess.withPublisher(settings) {
            try await WorkOrderPublisher($0).publish(messages)
        }
        print("Published \(messages.count) work orders.")
        try await watch(PublishWait(lines.orders))
        try await Summary(client: client).print(lines.ids)
        try await compare()
    }

    /// Waits until nothing goes on by itself any more: ended, or blocked behind something that failed.
    private func watch(_ wait: PublishWait) async throws {
        let terminal = Terminal.standardOutput(environment: ProcessInfo.processInfo.environment)
        var bar = ProgressBar(title: "ended", total: wait.count, terminal: terminal)
        let started = ContinuousClock.now
        var ended = 0
        var quiet = 0
        while quiet < 3 {
            ended = try await wait.look(client).ended
            let untold = try await UntoldEvents.count(in: client)
            quiet = ended == wait.count && untold == 0 ? quiet + 1 : 0
            if let text = bar.update(done: ended, elapsed: .now - started) { Swift.print(text, terminator: "") }
            guard ContinuousClock.now - started < .seconds(300) else {
                throw CommandFailure(
                    "only \(ended) of \(wait.count) example orders ended in 5 minutes",
                    next: "look into the logs beside the stack, or run `moose status`")
            }
            try await Task.sleep(for: .milliseconds(300))
        }
        Swift.print(bar.finish(done: ended, elapsed: .now - started), terminator: "")
    }

    private func compare() async throws {
        let path = "\(folder)/expected.json"
        guard FileManager.default.fileExists(atPath: path) else { return }
        let expected = try JSONDecoder().decode(
            [String: ExpectedEnd].self, from: Data(contentsOf: URL(filePath: path)))
        var wrong: [String] = []
        for (id, end) in expected.sorted(by: { $0.key < $1.key }) {
            guard let uuid = UUID(uuidString: id) else { continue }
            let order = try await WorkOrderDetail.find(uuid, in: client)
            let (state, failure) = (order?.state ?? "missing", order?.failureClass)
            if state != end.state || end.failureClass != nil && failure != end.failureClass {
                wrong.append("\(id) is \(state) \(failure ?? ""), expected \(end.state) \(end.failureClass ?? "")")
            }
        }
        guard wrong.isEmpty else {
            throw CommandFailure("example orders ended differently:\n" + wrong.joined(separator: "\n"))
        }
        Swift.print("All \(expected.count) example orders ended as they should.")
    }
}

/// How an example order should end.
private struct ExpectedEnd: Decodable {
    var state: String
    var failureClass: String?

    enum CodingKeys: String, CodingKey {
        case state
        case failureClass = "failure_class"
    }
}
