import FoundationEssentials
import Glibc
import Testing

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

    @Test func `the guard knows which groups run, whatever pieces it is told in`() {
        var duty = GuardDuty()
        for piece in ["+12", "3\n+45\n-", "123\n", "+0\n+1\n+-7\nnonsense\n", "-9\n+88"] { duty.hear(piece.utf8) }
        #expect(duty.groups == [45])
        duty.hear("\n".utf8)
        #expect(duty.groups == [45, 88])
    }
}
