import FoundationEssentials
import Glibc
import Synchronization
import Testing
import WorkOrders

@testable import Worker

/// A folder of its own for one test, with everything a command needs to run in it; checks that nothing is left behind.
final class CommandHandlerTestsBench: Sendable {
    let root: String
    let scratch: ScratchSpace
    private let written = Written()
    private let announcements: (stream: AsyncStream<String>, continuation: AsyncStream<String>.Continuation)

    private final class Written: Sendable { let bytes = Mutex<[UInt8]>([]) }

    init() throws {
        var template = Array("/tmp/moose-test-XXXXXX".utf8CString)
        try #require(unsafe mkdtemp(&template) != nil)
        root = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
        _ = unsafe mkdir(root + "/scratch", 0o700)
        scratch = try ScratchSpace(root: root + "/scratch")
        announcements = AsyncStream.makeStream()
    }

    deinit { try? FileManager.default.removeItem(atPath: root) }

    var leftInScratch: [String] {
        get throws { try FileManager.default.contentsOfDirectory(atPath: root + "/scratch") }
    }

    /// Everything a command wrote, as it was streamed.
    var streamed: [UInt8] { written.bytes.withLock { $0 } }

    static func job(
        _ body: String = #"{"kind":"k","title":"t"}"#, timeout: Duration = .seconds(60), attempt: Int = 1,
        traceparent: String? = nil, estimate: MicroUSD = .zero, allowance: Allowance? = nil
    ) -> Job {
        Job(
            id: .timeOrdered(), kind: "k", title: "t", lane: "default", attempt: attempt, maxAttempts: 5, token: 1,
            body: Array(body.utf8), estimate: estimate, allowance: allowance, timeout: timeout, traceparent: traceparent
        )
    }

    func handler(_ configuration: CommandConfiguration) -> CommandHandler {
        CommandHandler(configuration, scratch: scratch) { [written, announcements] _, bytes in
            written.bytes.withLock { $0 += bytes }
            announcements.continuation.yield(String(decoding: bytes, as: UTF8.self))
        }
    }

    func handler(
        script: String, outputLimit: Int = 65_536, grace: Duration = .seconds(30), environment: [String] = ["PATH"]
    ) -> CommandHandler {
        handler(
            CommandConfiguration(
                argv: ["/bin/sh", "-c", script], environment: environment, workingDirectory: root,
                outputLimitBytes: outputLimit, terminationGrace: grace))
    }

    /// Runs a shell script as one attempt and checks that its temporary folder is gone.
    func run(
        _ script: String, job: Job = CommandHandlerTestsBench.job(), outputLimit: Int = 65_536,
        grace: Duration = .seconds(30)
    ) async throws -> Outcome {
        let outcome = await handler(script: script, outputLimit: outputLimit, grace: grace).run(job)
        #expect(try leftInScratch.isEmpty)
        return outcome
    }

    /// Waits until the streamed output holds this text.
    func waits(for text: String) async {
        for await _ in announcements.stream where String(decoding: streamed, as: UTF8.self).contains(text) { return }
    }

    /// The number a script printed as `group=<number>`: its leader's process, and so its group.
    func group() throws -> pid_t {
        let text = String(decoding: streamed, as: UTF8.self)
        let line = try #require(text.split(separator: "\n").first { $0.hasPrefix("group=") })
        return try #require(pid_t(line.dropFirst(6)))
    }

    /// Whether no process of the group runs; one that has ended and waits to be buried by whoever inherited it doesn't.
    static func isGone(group: pid_t) throws -> Bool {
        let processes = try FileManager.default.contentsOfDirectory(atPath: "/proc").filter { pid_t($0) != nil }
        return !processes.contains { process in
            guard let status = try? String(contentsOfFile: "/proc/\(process)/status", encoding: .utf8) else {
                return false
            }
            return getpgid(pid_t(process) ?? 0) == group && !status.contains("State:\tZ")
        }
    }
}

extension Outcome {
    var isCompleted: Bool {
        if case .completed = self { return true }
        return false
    }

    var isInterrupted: Bool {
        if case .interrupted = self { return true }
        return false
    }

    var failure: AttemptFailure? {
        switch self {
        case .failed(let failure, _), .notBegun(let failure): failure
        default: nil
        }
    }

    var isNotBegun: Bool {
        if case .notBegun = self { return true }
        return false
    }

    /// What this machine was short of.
    var hostFault: AttemptFailure? {
        if case .hostFault(let failure) = self { return failure }
        return nil
    }

    var resultText: String? { report.result.map { String(decoding: $0, as: UTF8.self) } }
}
