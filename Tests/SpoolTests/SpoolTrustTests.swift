import FoundationEssentials
import Glibc
import Testing

@testable import Spool

/// What others can put into a spool folder is not published in this user's name.
struct SpoolTrustTests {
    private typealias Bench = SpoolFolderBench

    /// A folder with one order that waits in it.
    private func withOrder(_ body: (Bench) async throws -> Void) async throws {
        try await Bench.open { bench in
            do {
                try await Spool(folder: bench.folder).append([Bench.record(1)], as: .orders)
            }
            try await body(bench)
        }
    }

    private func expectRefused(_ folder: String, _ words: String) async throws {
        let spool = try Spool(folder: folder)
        for refused in [
            await #expect(throws: SpoolError.self) { _ = try await spool.replay([.orders]) { _, _ in [:] } },
            await #expect(throws: SpoolError.self) { try await spool.append([Bench.record(2)], as: .orders) },
        ] {
            #expect(refused.map { "\($0)".contains(words) } == true)
        }
    }

    @Test func `a folder that others may write to is neither read nor written`() async throws {
        try await withOrder { bench in
            for mode: mode_t in [0o777, 0o775, 0o702, 0o1777] {
                #expect(unsafe chmod(bench.folder, mode) == 0)
                try await expectRefused(bench.folder, "others may write there")
            }
            #expect(try bench.files.count == 1)
            // Made ours again, it is replayed.
            #expect(unsafe chmod(bench.folder, 0o755) == 0)
            #expect(try await bench.replayed(by: try Spool(folder: bench.folder)).count == 1)
        }
    }

    @Test func `a link to a folder is not followed`() async throws {
        try await withOrder { bench in
            let link = bench.folder + "-link"
            #expect(unsafe symlink(bench.folder, link) == 0)
            try await expectRefused(link, "symbolic link")
            #expect(try bench.files.count == 1)
        }
    }

    @Test(.enabled(if: geteuid() == 0, "only root can give files away"))
    func `a folder or a file of another user is not read`() async throws {
        try await withOrder { bench in
            #expect(unsafe chown(bench.folder, 65_534, 65_534) == 0)
            try await expectRefused(bench.folder, "belongs to the user 65534")
            #expect(unsafe chown(bench.folder, 0, 0) == 0)
            let file = "\(bench.folder)/\(try #require(try bench.files.first))"
            #expect(unsafe chown(file, 65_534, 65_534) == 0)
            let spool = try Spool(folder: bench.folder)
            await #expect(throws: SpoolError.self) { _ = try await spool.replay([.orders]) { _, _ in [:] } }
            #expect(try bench.files.count == 1)
        }
    }

    @Test func `a file that also stands elsewhere is not read`() async throws {
        try await withOrder { bench in
            let file = "\(bench.folder)/\(try #require(try bench.files.first))"
            #expect(unsafe link(file, bench.folder + "-elsewhere") == 0)
            let spool = try Spool(folder: bench.folder)
            await #expect(throws: SpoolError.self) { _ = try await spool.replay([.orders]) { _, _ in [:] } }
        }
    }
}
