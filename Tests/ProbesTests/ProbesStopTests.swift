import Logging
import NIOCore
import NIOPosix
import Synchronization
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
        try await serving(logger: Logger(label: "test") { _ in recorder }) { address in
            _ = try await get("/healthz", port: address.port)
        }
        // The server hands work to its loop after it has stopped; a loop that is shut down complains to standard error.
        #expect(try await Probes.eventLoops.next().submit { true }.get())
        #expect(recorder.lines.withLock { $0 } == [])
    }
}
