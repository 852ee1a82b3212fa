import FoundationEssentials
import Testing

@testable import Spool

/// What a power cut leaves of a spool.
struct SpoolSyncTests {
    private typealias Bench = SpoolFolderBench

    @Test func `an append returns when its bytes and its file's name are on the disk`() async throws {
        try await Bench.open { bench in
            let spool = try Spool(folder: bench.folder)
            for number in 1...3 {
                let file = try await spool.append([Bench.record(number)], as: .orders)
                #expect(SyncLog.size(of: file) == SpoolDirectory.size(of: file), "after append \(number)")
                #expect(SyncLog.size(of: bench.folder) != nil)
            }
        }
    }

    @Test func `after a sync that failed the append is refused, and the next one takes another file`() async throws {
        try await Bench.open { bench in
            let spool = try Spool(folder: bench.folder)
            let first = try await spool.append([Bench.record(1)], as: .orders)
            SyncLog.failOnce(first)
            await #expect(throws: SpoolError.self) { try await spool.append([Bench.record(2)], as: .orders) }
            let second = try await spool.append([Bench.record(3)], as: .orders)
            #expect(first != second)
            #expect(SyncLog.size(of: second) == SpoolDirectory.size(of: second))
            let numbers = try await bench.replayed(by: spool).map(\.headers["number"])
            #expect(numbers.first == "1" && numbers.last == "3")
        }
    }
}
