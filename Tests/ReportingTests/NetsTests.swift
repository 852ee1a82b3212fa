import FoundationEssentials
import Glibc
import Stack
import TestSupport
import Testing

/// Whatever server is away, each report is counted exactly once when all are back.
@Suite(.serialized)
struct NetsTests {
    @Test func `while PostgreSQL is frozen reports go through the broker`() async throws {
        try await NetsBench.open { bench in
            try await bench.withProcess { reporter in
                try bench.stack.signal(.database, SIGSTOP)
                defer { try? bench.stack.signal(.database, SIGCONT) }
                try await bench.report(20, of: "frozen", by: reporter)
                #expect(try bench.spoolFiles.isEmpty, "the broker took them")
                try bench.stack.signal(.database, SIGCONT)
                // The statement that PostgreSQL had not answered is run now: those events are in both nets.
                try await bench.expectCounted(20, of: "frozen")
            }
        }
    }

    @Test func `while RabbitMQ is gone reports go into the outbox`() async throws {
        try await NetsBench.open { bench in
            try await bench.withProcess { reporter in
                try bench.stack.signal(.broker, SIGKILL)
                try await bench.report(20, of: "gone", by: reporter)
                #expect(try bench.spoolFiles.isEmpty, "the database took them")
                #expect(try await bench.sum("moose.outbox", of: "1") >= 20)
                _ = try await bench.stack.start()
                try await bench.expectCounted(20, of: "gone")
            }
        }
    }

    @Test func `while both are gone reports survive their process on disk, and another hands them over`() async throws {
        try await NetsBench.open { bench in
            for server in StackServer.allCases { try bench.stack.signal(server, SIGKILL) }
            for round in 1...2 {
                try await bench.withProcess { reporter in
                    try await bench.report(10, of: "both \(round == 1 ? "a" : "b")", by: reporter)
                }
            }
            let files = try bench.spoolFiles
            #expect(files.count >= 2)
            // The second was killed in the middle of a write.
            let torn = "\(bench.folder)/\(try #require(files.last))"
            let whole = try String(contentsOfFile: torn, encoding: .utf8)
            let half = #"{"body":"{\"id\":\"01"#
            try (whole + half).write(toFile: torn, atomically: false, encoding: .utf8)
            _ = try await bench.stack.start()
            try await bench.withProcess { _ in
                try await eventually("the files are handed over", timeout: .seconds(90)) {
                    try bench.spoolFiles.allSatisfy { $0.hasSuffix(".unreadable") }
                }
                try await bench.expectCounted(10, of: "both a")
                try await bench.expectCounted(10, of: "both b")
                // Half a line is somebody's report too: a person sees that it was there.
                try await bench.expectCounted(1, of: "spool")
            }
            let aside = try #require(try bench.spoolFiles.first)
            #expect(try String(contentsOfFile: "\(bench.folder)/\(aside)", encoding: .utf8) == half + "\n")
        }
    }
}
