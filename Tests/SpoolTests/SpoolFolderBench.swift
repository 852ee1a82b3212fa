import FoundationEssentials
import Testing

@testable import Spool

/// A folder for one test, gone afterwards.
struct SpoolFolderBench: Sendable {
    let folder: String

    static func open(_ body: (SpoolFolderBench) async throws -> Void) async throws {
        let bench = SpoolFolderBench(
            folder: FileManager.default.temporaryDirectory.path + "/moose-spool-\(UUID().uuidString)/deep")
        let result: Result<Void, any Error>
        do {
            result = .success(try await body(bench))
        } catch {
            result = .failure(error)
        }
        let root = String(bench.folder.dropLast("/deep".count))
        if FileManager.default.fileExists(atPath: root) { try FileManager.default.removeItem(atPath: root) }
        try result.get()
    }

    static func record(_ number: Int, body: [UInt8] = Array("{}".utf8)) -> SpoolRecord {
        SpoolRecord(
            id: UUID(), exchange: "moose.work", routingKey: "default", type: "t", headers: ["number": "\(number)"],
            body: body, spooledAt: Date(timeIntervalSince1970: Double(1_700_000_000 + number)))
    }

    var files: [String] {
        get throws {
            guard FileManager.default.fileExists(atPath: folder) else { return [] }
            return try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
        }
    }

    /// Replays everything; the records in the order in which they came.
    func replayed(by spool: Spool, _ kinds: Set<SpoolKind> = [.orders]) async throws -> [SpoolRecord] {
        var seen: [SpoolRecord] = []
        _ = try await spool.replay(kinds, batch: 3) { _, records in
            seen += records
            return [:]
        }
        return seen
    }

    func append(toFile name: String, _ bytes: [UInt8]) throws {
        // In place, as a torn write would: the file keeps its writer and its lock.
        let file = URL(filePath: "\(folder)/\(name)")
        try (Data(contentsOf: file) + Data(bytes)).write(to: file)
    }
}
