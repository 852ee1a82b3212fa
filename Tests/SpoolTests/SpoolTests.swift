import FoundationEssentials
import TestSupport
import Testing

@testable import Spool

struct SpoolTests {
    private typealias Bench = SpoolFolderBench

    @Test func `what is spooled comes back as it was, in its order, and then the file is gone`() async throws {
        try await Bench.open { bench in
            let spool = try Spool(folder: bench.folder)
            let bodies: [[UInt8]] = [
                [], Array("{\"a\":\"\\u0000 \\n ß\"}\n".utf8), [0, 255, 254], Array(repeating: 10, count: 1_000_000),
            ]
            let records = bodies.enumerated().map { Bench.record($0, body: $1) }
            try await spool.append(Array(records[..<2]), as: .orders)
            try await spool.append(Array(records[2...]), as: .orders)
            try await spool.append([Bench.record(9)], as: .events)
            #expect(try bench.files.count == 2)
            #expect(try await bench.replayed(by: spool) == records)
            #expect(try bench.files.map { $0.hasPrefix("events-") } == [true])
            #expect(try await bench.replayed(by: spool).isEmpty)
        }
    }

    @Test func `nothing is made before there is something to keep`() async throws {
        try await Bench.open { bench in
            let spool = try Spool(folder: bench.folder)
            #expect(try await !spool.hasFiles([.orders, .events]))
            #expect(try await bench.replayed(by: spool).isEmpty)
            #expect(try await spool.summaries().isEmpty)
            #expect(!FileManager.default.fileExists(atPath: bench.folder))
        }
    }

    @Test func `another process leaves alone what a living one writes, and takes over what a dead one left`()
        async throws
    {
        try await Bench.open { bench in
            let other = try Spool(folder: bench.folder)
            do {
                let writing = try Spool(folder: bench.folder)
                try await writing.append([Bench.record(1)], as: .orders)
                #expect(try await bench.replayed(by: other).isEmpty)
                #expect(try await other.summaries().map(\.state) == [.inUse])
                try await writing.append([Bench.record(2)], as: .orders)
            }
            // The lock went with its holder, as the kernel sees to after any death.
            try await waitForLock(bench)
            #expect(try await other.summaries().map(\.state) == [.waiting])
            #expect(try await other.summaries().map(\.messages) == [2])
            #expect(try await bench.replayed(by: other).map(\.headers["number"]) == ["1", "2"])
            #expect(try bench.files.isEmpty)
        }
    }

    /// The writer's thread lets go when it gets to it.
    private func waitForLock(_ bench: SpoolFolderBench) async throws {
        let path = "\(bench.folder)/\(try #require(try bench.files.first))"
        try await eventually("the lock is given back") { try SpoolReader(path) != nil }
    }

    @Test func `of a file that was cut off anywhere every whole line is replayed`() async throws {
        let records = (1...3).map { SpoolFolderBench.record($0) }
        let whole = records.flatMap(\.line)
        let ends = records.indices.map { records[...$0].flatMap(\.line).count }
        for cut in stride(from: 0, through: whole.count, by: 7) {
            try await Bench.open { bench in
                let spool = try Spool(folder: bench.folder)
                try await spool.append([Bench.record(0)], as: .orders)
                let name = try #require(try bench.files.first)
                try bench.append(toFile: name, Array(whole[..<cut]))
                var seen = 0
                let done = try await spool.replay([.orders]) { _, records in
                    seen += records.count
                    return [:]
                }
                // A line may be whole but for its break: then it is a message all the same.
                let complete = ends.count { $0 - 1 <= cut }
                #expect(seen == 1 + complete, "cut at \(cut)")
                #expect(done.messages == seen)
                let isTorn = cut > 0 && !ends.contains(cut) && !ends.contains(cut + 1)
                #expect(done.linesAside == (isTorn ? 1 : 0), "cut at \(cut)")
            }
        }
    }

    @Test func `garbage in the middle is put aside for a person, and the rest goes out`() async throws {
        try await Bench.open { bench in
            let spool = try Spool(folder: bench.folder)
            try await spool.append([Bench.record(1)], as: .orders)
            let name = try #require(try bench.files.first)
            let zeros = [UInt8](repeating: 0, count: 600)
            try bench.append(toFile: name, zeros + Array("\nnot a message\n".utf8))
            try await spool.append([Bench.record(2)], as: .orders)
            var done = SpoolReplay()
            var seen: [SpoolRecord] = []
            done = try await spool.replay([.orders]) { _, records in
                seen += records
                return [:]
            }
            #expect(seen.map(\.headers["number"]) == ["1", "2"])
            #expect(done.linesAside == 2)
            let aside = try #require(done.asideFiles.first)
            #expect(try Array(Data(contentsOf: URL(filePath: aside))) == zeros + Array("\nnot a message\n".utf8))
            #expect(try await spool.summaries().map(\.state) == [.unreadable])
        }
    }

    @Test func `a replay that fails keeps the file, and the next sends all of it again`() async throws {
        try await Bench.open { bench in
            let spool = try Spool(folder: bench.folder)
            let records = (1...10).map { Bench.record($0) }
            try await spool.append(records, as: .orders)
            struct Away: Error {}
            var sent = 0
            await #expect(throws: Away.self) {
                _ = try await spool.replay([.orders], batch: 3) { _, records in
                    guard sent < 6 else { throw Away() }
                    sent += records.count
                    return [:]
                }
            }
            #expect(sent == 6)
            // What is spooled from now on goes out after it.
            try await spool.append([Bench.record(11)], as: .orders)
            #expect(try await bench.replayed(by: spool).map(\.headers["number"]) == (1...11).map { "\($0)" })
            #expect(try bench.files.isEmpty)
        }
    }

    @Test func `what nobody takes is put aside and holds nothing up`() async throws {
        try await Bench.open { bench in
            let spool = try Spool(folder: bench.folder)
            let records = (1...5).map { Bench.record($0) }
            try await spool.append(records, as: .orders)
            let done = try await spool.replay([.orders]) { _, _ in [3: "a reason", 1: "another"] }
            #expect(done.messages == 3)
            #expect(done.linesAside == 2)
            #expect(done.refusals.map(\.id) == [records[1].id, records[3].id], "they are named, in their order")
            #expect(done.refusals.map(\.why) == ["another", "a reason"])
            #expect(try bench.files.map { $0.hasSuffix(".unreadable") } == [true])
        }
    }

    @Test func `a full spool refuses and says so, and takes again when there is room`() async throws {
        try await Bench.open { bench in
            let one = Bench.record(1)
            let spool = try Spool(folder: bench.folder, limit: one.line.count * 2)
            try await spool.append([one, one], as: .orders)
            await #expect(throws: SpoolError.full(path: bench.folder, limit: one.line.count * 2)) {
                try await spool.append([one], as: .orders)
            }
            #expect(try await bench.replayed(by: spool).count == 2)
            try await spool.append([one], as: .orders)
        }
    }

    @Test func `a folder that can't be made is an error that says what to do`() async throws {
        try await Bench.open { bench in
            let spool = try Spool(folder: "/dev/null/spool")
            do {
                try await spool.append([Bench.record(1)], as: .orders)
                Issue.record("it was appended")
            } catch {
                #expect("\(error)".contains("MOOSE_SPOOL_FOLDER"))
            }
        }
    }

    @Test func `many writers and replayers at once lose and repeat nothing`() async throws {
        try await Bench.open { bench in
            let seen = try await withThrowingTaskGroup(of: [UUID].self) { group in
                let ids = (0..<8).map { _ in (0..<25).map { _ in UUID() } }
                for mine in ids {
                    group.addTask {
                        let spool = try Spool(folder: bench.folder)
                        for id in mine {
                            var record = Bench.record(0)
                            record.id = id
                            try await spool.append([record], as: .orders)
                        }
                        return []
                    }
                }
                for _ in 0..<3 {
                    group.addTask {
                        let spool = try Spool(folder: bench.folder)
                        var seen: [UUID] = []
                        for _ in 0..<50 { seen += try await bench.replayed(by: spool).map(\.id) }
                        return seen
                    }
                }
                var seen: [UUID] = []
                for try await some in group { seen += some }
                let last = try Spool(folder: bench.folder)
                for _ in 0..<50 where try await last.hasFiles([.orders]) {
                    seen += try await bench.replayed(by: last).map(\.id)
                }
                #expect(Set(seen) == Set(ids.flatMap { $0 }))
                return seen
            }
            #expect(seen.count == 200)
        }
    }
}
