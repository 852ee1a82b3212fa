import Logging
import NIOCore
import NIOPosix
import Synchronization
import Telemetry
import Testing

@testable import Probes

@Suite struct ProbesStopTests {
    /// Keeps what concerns an operator.
    private final class Recorder: LogHandler {
        let lines = Mutex<[String]>([])
        var metadata: Logger.Metadata {
            get { [:] }
            set {}
        }
        var logLevel: Logger.Level {
            get { .info }
            set {}
        }

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { nil }
            set {}
        }

        func log(event: LogEvent) {
            guard event.level >= .warning else { return }
            lines.withLock { lines in lines.append("\(event.level) \(event.message) \(event.metadata ?? [:])") }
        }
    }

    @Test(.timeLimit(.minutes(1))) func `being stopped is no trouble, so nobody is warned`() async throws {
        let recorder = Recorder()
        let (ports, continuation) = AsyncStream.makeStream(of: Int.self)
        let probes = Probes(
            port: 0, registry: MetricsRegistry(), logger: Logger(label: "test") { _ in recorder },
            health: { [] }, onListening: { continuation.yield($0) })
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await probes.run() }
            var iterator = ports.makeAsyncIterator()
            let port = try #require(await iterator.next())
            _ = try await get("/healthz", port: port)
            group.cancelAll()
            try await group.waitForAll()
        }
        // The server hands work to its loop after it has stopped; a loop that is shut down complains to standard error.
        #expect(try await Probes.eventLoops.next().submit { true }.get())
        #expect(recorder.lines.withLock { $0 } == [])
    }
}
