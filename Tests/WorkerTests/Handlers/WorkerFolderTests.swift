import FoundationEssentials
import Glibc
import Synchronization
import TestSupport
import Testing
import WorkOrders

@testable import Worker

/// What a dead worker leaves on the disk goes with the next one that starts.
struct WorkerFolderTests {
    private static func withParent(_ body: (String) throws -> Void) throws {
        var template = Array("/tmp/moose-test-XXXXXX".utf8CString)
        try #require(unsafe mkdtemp(&template) != nil)
        let parent = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
        defer { try? FileManager.default.removeItem(atPath: parent) }
        try body(parent)
    }

    private static func make(_ path: String, withLock: Bool) {
        _ = unsafe mkdir(path, 0o700)
        _ = unsafe mkdir(path + "/moose-attempt-1", 0o700)
        if withLock { close(unsafe open(path + "/lock", O_CREAT | O_RDWR, 0o600)) }
    }

    @Test func `a folder without a living owner is removed, and what belongs to others stays`() throws {
        try Self.withParent { parent in
            let living = try WorkerFolder(in: parent)
            Self.make(parent + "/moose-worker-dead01", withLock: true)
            // Made a moment ago by a worker that has not locked it yet.
            Self.make(parent + "/moose-worker-young1", withLock: false)
            Self.make(parent + "/somebody-elses", withLock: true)
            let next = try WorkerFolder(in: parent)
            let left = try FileManager.default.contentsOfDirectory(atPath: parent)
            #expect(!left.contains("moose-worker-dead01"))
            #expect(left.contains("moose-worker-young1") && left.contains("somebody-elses"))
            #expect(FileManager.default.fileExists(atPath: living.path) && next.path != living.path)
            living.remove()
            #expect(!FileManager.default.fileExists(atPath: living.path))
        }
    }

    @Test func `a folder that nobody ever locked counts as abandoned after a minute`() throws {
        try Self.withParent { parent in
            let path = parent + "/moose-worker-old001"
            Self.make(path, withLock: false)
            let times = [timespec(tv_sec: 1_000_000_000, tv_nsec: 0), timespec(tv_sec: 1_000_000_000, tv_nsec: 0)]
            #expect(unsafe utimensat(AT_FDCWD, path, times, 0) == 0)
            _ = try WorkerFolder(in: parent)
            #expect(!FileManager.default.fileExists(atPath: path))
        }
    }

    @Test func `a living worker's folder is nobody else's, whatever is missing in it or how old it looks`() throws {
        try Self.withParent { parent in
            let living = try WorkerFolder(in: parent)
            #expect(unsafe unlink(living.path + "/lock") == 0)
            let times = [timespec(tv_sec: 1_000_000_000, tv_nsec: 0), timespec(tv_sec: 1_000_000_000, tv_nsec: 0)]
            #expect(unsafe utimensat(AT_FDCWD, living.path, times, 0) == 0)
            _ = try WorkerFolder(in: parent)
            #expect(FileManager.default.fileExists(atPath: living.path))
            // As systemd's cleaner asks.
            let folder = unsafe open(living.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
            #expect(flock(folder, LOCK_EX | LOCK_NB) == -1)
            close(folder)
        }
    }

    @Test func `a folder that was removed is made anew under its name, and locked`() throws {
        try Self.withParent { parent in
            let folder = try WorkerFolder(in: parent)
            #expect(try !folder.restore())
            try FileManager.default.removeItem(atPath: folder.path)
            #expect(try folder.restore())
            #expect(try !folder.restore())
            _ = unsafe unlink(folder.path + "/lock")
            _ = try WorkerFolder(in: parent)
            #expect(FileManager.default.fileExists(atPath: folder.path))
            // Somebody else's in its place is not taken over.
            try FileManager.default.removeItem(atPath: folder.path)
            _ = unsafe mkdir(folder.path, 0o777)
            #expect(throws: ScratchFolder.Failure.self) { _ = try folder.restore() }
        }
    }

    @Test func `commands go on when their folders are removed under the worker`() async throws {
        var template = Array("/tmp/moose-test-XXXXXX".utf8CString)
        try #require(unsafe mkdtemp(&template) != nil)
        let parent = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
        defer { try? FileManager.default.removeItem(atPath: parent) }
        let folder = try WorkerFolder(in: parent)
        let restored = Mutex(0)
        let scratch = try ScratchSpace(in: folder) { restored.withLock { $0 += 1 } }
        let handler = CommandHandler(
            CommandConfiguration(
                argv: [
                    "/bin/sh", "-c",
                    """
                    until [ -e \(parent)/go-on ]; do sleep 0.01; done
                    echo '{"result": 7, "cost_usd": "0.01"}' > "$MOOSE_RESULT_FILE"
                    """,
                ]), scratch: scratch)
        let running = Task { await handler.run(CommandHandlerTestsBench.job()) }
        try await eventually("it runs") { Self.attempts(in: folder).count == 1 }
        try FileManager.default.removeItem(atPath: folder.path)
        await scratch.tend()
        #expect(restored.withLock { $0 } == 1)
        #expect(FileManager.default.createFile(atPath: parent + "/go-on", contents: nil))
        let outcome = await running.value
        #expect(outcome.resultText == "7")
        #expect(outcome.report.cost == MicroUSD(microdollars: 10_000))
        // And the next one, without anybody's care between.
        try FileManager.default.removeItem(atPath: folder.path)
        #expect(await handler.run(CommandHandlerTestsBench.job()).resultText == "7")
        #expect(await scratch.probe() == nil)
        #expect(Self.attempts(in: folder).isEmpty)
    }

    private static func attempts(in folder: WorkerFolder) -> [String] {
        // Gone for a moment, in these tests.
        ((try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []).filter { $0 != "lock" }
    }

    @Test(arguments: [
        ("relative/folder", "not an absolute path"), ("/no/such/folder", "No such file or directory"),
        ("/dev/null", "Not a directory"), ("/proc", "TMPDIR"),
    ])
    func `a folder for temporary files that is of no use is named`(path: String, words: String) throws {
        // The superuser may write anywhere by its rights; the kernel's own folders take nothing of anybody.
        if path == "/proc" {
            #expect(throws: ScratchFolder.Failure.self) { _ = try WorkerFolder(in: path) }
        } else {
            let failure = #expect(throws: ScratchFolder.Failure.self) {
                _ = try TemporaryFolder.path(environment: ["TMPDIR": path])
            }
            #expect(failure?.description.contains("TMPDIR") == true)
            #expect(failure?.description.contains(words) == true)
        }
    }

    @Test func `without a folder for temporary files, or with an empty one, it is the system's`() throws {
        for environment in [[:], ["TMPDIR": ""]] {
            #expect(try TemporaryFolder.path(environment: environment) == "/tmp")
        }
        #expect(try TemporaryFolder.path(environment: ["TMPDIR": "/var/tmp"]) == "/var/tmp")
    }

    @Test func `the guard knows which groups run, whatever pieces it is told in`() {
        var duty = GuardDuty()
        for piece in ["+12", "3\n+45\n-", "123\n", "+0\n+1\n+-7\nnonsense\n", "-9\n+88"] { duty.hear(piece.utf8) }
        #expect(duty.groups == [45])
        duty.hear("\n".utf8)
        #expect(duty.groups == [45, 88])
    }
}
