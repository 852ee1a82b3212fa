import Logging
import Synchronization
import Testing

@testable import Telemetry

/// Keeps the lines a logger writes.
final class WrittenLines: Sendable {
    private let lines = Mutex<[String]>([])

    var all: [String] { lines.withLock { $0 } }

    /// A logger that writes here, at a fixed time.
    func makeLogger(_ format: LogFormat, level: Logger.Level = .trace) -> Logger {
        Logger(label: "moose.worker") { label in
            LineLogHandler(
                label: label,
                level: level,
                format: format,
                now: { Timestamp(seconds: 1_700_000_000, milliseconds: 7) },
                write: { line in self.lines.withLock { $0.append(line) } }
            )
        }
    }
}

@Suite struct LogTests {
    @Test func `a JSON line carries time, level, logger, message and all metadata`() {
        let written = WrittenLines()
        var logger = written.makeLogger(.json)
        logger[metadataKey: "lane"] = "llm"
        logger.info("claimed", metadata: ["batch": .stringConvertible(12), "ids": ["a", "b"], "level": "mine"])
        #expect(
            written.all == [
                #"{"ts":"2023-11-14T22:13:20.007Z","level":"info","logger":"moose.worker","message":"claimed","#
                    + #""batch":12,"ids":["a","b"],"lane":"llm","level_":"mine"}"# + "\n"
            ]
        )
    }

    @Test func `a message of several lines stays one line in either format`() {
        let written = WrittenLines()
        for format in [LogFormat.json, .people(colour: true), .people(colour: false)] {
            written.makeLogger(format).error("one\ntwo\r\u{1B}[2J", metadata: ["k\n": "v\nw", "q": "a \"b\""])
        }
        for line in written.all {
            #expect(line.filter { $0 == "\n" || $0 == "\r\n" }.count == 1)
            #expect(!line.contains("\u{1B}[2J"))
        }
        #expect(written.all.count == 3)
    }

    @Test func `people see colours only when they were asked for`() {
        let written = WrittenLines()
        written.makeLogger(.people(colour: false)).warning("low", metadata: ["lane": "llm"])
        written.makeLogger(.people(colour: true)).warning("low")
        #expect(written.all[0].hasSuffix(" WARNING  moose.worker low lane=llm\n"))
        #expect(written.all[1].contains("\u{1B}[33mWARNING\u{1B}[0m"))
    }

    @Test func `a level that is off writes nothing`() {
        let written = WrittenLines()
        written.makeLogger(.json, level: .warning).info("quiet")
        #expect(written.all.isEmpty)
    }

    @Test func `an error given to the logger is in the line`() {
        let written = WrittenLines()
        written.makeLogger(.json).error("failed", error: CancellationError())
        #expect(written.all[0].contains(#""error":"CancellationError()""#))
    }

    @Test func `no secret reaches the log by its key, by a URL or by the message`() {
        let written = WrittenLines()
        written.makeLogger(.json).info(
            "lost amqp://moose:hunter2@broker/v, trying \"postgresql://m:hunter2@db?sslpassword=hunter2\" next",
            metadata: [
                "db_password": "hunter2", "authToken": "hunter2", "api-key": "hunter2",
                "amqp_url": "amqp://u:hunter2@h",
                "nested": ["list": ["http://a:hunter2@b/c?token=hunter2"], "secret": "hunter2"],
                "tokens_in": .stringConvertible(42),
            ]
        )
        #expect(!written.all[0].contains("hunter2"))
        #expect(written.all[0].contains("amqp://moose:***@broker/v, trying"))
        #expect(written.all[0].contains(#""tokens_in":42"#))
    }

    @Test(arguments: [
        (0, "1970-01-01T00:00:00.000Z"), (951_782_400, "2000-02-29T00:00:00.000Z"),
        (4_107_542_399, "2100-02-28T23:59:59.000Z"), (4_107_542_400, "2100-03-01T00:00:00.000Z"),
        (-1, "1969-12-31T23:59:59.000Z"), (1_735_689_599, "2024-12-31T23:59:59.000Z"),
    ])
    func `a timestamp prints as RFC 3339`(seconds: Int64, expected: String) {
        #expect(Timestamp(seconds: seconds).rfc3339 == expected)
    }

    @Test func `the environment names the level and nonsense means info`() {
        #expect(LogSetup.level(in: ["MOOSE_LOG_LEVEL": "DEBUG"]) == .debug)
        #expect(LogSetup.level(in: ["MOOSE_LOG_LEVEL": "loud"]) == .info)
        #expect(LogSetup.level(in: [:]) == .info)
    }
}
