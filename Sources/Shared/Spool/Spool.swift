internal import FoundationEssentials
internal import Synchronization

/// Messages on this machine's disk until the servers they are for come back.
///
/// A process appends to files of its own, under a lock; when it dies, the kernel gives the lock back and any other
/// process that uses the folder takes the files over. A message is on disk before ``append(_:as:)`` returns, and its file
/// is deleted only after everything in it was handed over. A crash in between repeats messages, under the same ids.
/// Locks want a local file system.
package final class Spool: Sendable {
    private struct Writers {
        var byKind: [SpoolKind: SpoolWriter] = [:]
    }

    /// The folder; it need not exist before the first append.
    package let folder: String
    /// The most bytes that the folder may hold.
    package let limit: Int
    private let directory: SpoolDirectory
    private let disk: DiskThread
    private let writers = Mutex(Writers())

    /// Touches no disk yet.
    /// - Parameter limit: bytes; default 256 MiB.
    package init(folder: String, limit: Int = 268_435_456) throws(SpoolError) {
        self.folder = folder
        self.limit = limit
        directory = SpoolDirectory(path: folder)
        disk = try DiskThread()
    }

    /// Returns when the messages will survive a power cut.
    /// - Returns: the file they are in.
    @discardableResult
    package func append(_ records: [SpoolRecord], as kind: SpoolKind) async throws(SpoolError) -> String {
        let bytes = records.flatMap(\.line)
        return try await disk.run { () throws(SpoolError) in
            guard try self.directory.size() + bytes.count <= self.limit else {
                throw .full(path: self.folder, limit: self.limit)
            }
            return try self.append(bytes, as: kind)
        }
    }

    private func append(_ bytes: [UInt8], as kind: SpoolKind) throws(SpoolError) -> String {
        let result = writers.withLock { writers -> Result<String, SpoolError> in
            do throws(SpoolError) {
                let writer: SpoolWriter
                if let open = writers.byKind[kind] {
                    writer = open
                } else {
                    writer = try SpoolWriter(kind, in: directory)
                    writers.byKind[kind] = writer
                }
                do throws(SpoolError) {
                    try writer.append(bytes)
                } catch {
                    // Given back as it is; whoever replays it leaves out what was torn.
                    if writer.isBroken { writers.byKind[kind] = nil }
                    throw error
                }
                return .success(writer.path)
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }

    /// Whether a replay would find files of these kinds, be they this process's own.
    package func hasFiles(_ kinds: Set<SpoolKind>) async throws(SpoolError) -> Bool {
        try await disk.run { () throws(SpoolError) in try !self.directory.files(of: kinds).isEmpty }
    }

    /// Bytes on disk.
    package func size() async throws(SpoolError) -> Int {
        try await disk.run { () throws(SpoolError) in try self.directory.size() }
    }

    /// Hands over what this process and those that died have spooled, the oldest file first, each in its order. What a
    /// living process holds is left to it.
    ///
    /// - Parameter deliver: returns when the receiver has the batch for certain, with the positions of those that it
    ///   will never take, and why; they are kept aside. When it throws, the file stays as it is, and the replay ends.
    package func replay(
        _ kinds: Set<SpoolKind>, batch: Int = 500,
        _ deliver: (SpoolKind, [SpoolRecord]) async throws -> [Int: String]
    ) async throws -> SpoolReplay {
        var done = SpoolReplay()
        try await disk.run { () throws(SpoolError) in try self.directory.checkTrust() }
        for kind in SpoolKind.allCases where kinds.contains(kind) {
            for name in try await disk.run({ () throws(SpoolError) in try self.directory.files(of: [kind]) }) {
                let path = "\(folder)/\(name)"
                let file = try await disk.run { () throws(SpoolError) in
                    // From here on this process appends to another: its file is like any that nobody holds.
                    self.writers.withLock { if $0.byKind[kind]?.path == path { $0.byKind[kind] = nil } }
                    return try SpoolReader(path)
                }
                guard let file else { continue }
                try await replay(file, batch, &done) { records in try await deliver(kind, records) }
            }
        }
        return done
    }

    private func replay(
        _ file: SpoolReader, _ batch: Int, _ done: inout SpoolReplay,
        _ deliver: ([SpoolRecord]) async throws -> [Int: String]
    ) async throws {
        var aside: [[UInt8]] = []
        while true {
            let lines = try await disk.run { () throws(SpoolError) in try file.next(batch) }
            if lines.isEmpty { break }
            var records: [SpoolRecord] = []
            var sources: [Int] = []
            for (index, line) in lines.enumerated() {
                if let record = SpoolRecord(line: line) {
                    records.append(record)
                    sources.append(index)
                } else {
                    aside.append(line)
                }
            }
            let refused = records.isEmpty ? [:] : try await deliver(records)
            for (index, why) in refused.sorted(by: { $0.key < $1.key }) {
                aside.append(lines[sources[index]])
                done.refusals.append(SpoolReplay.Refusal(id: records[index].id, why: why))
            }
            done.messages += records.count - refused.count
        }
        let unreadable = aside
        let path = try await disk.run { () throws(SpoolError) -> String? in
            let path = unreadable.isEmpty ? nil : try file.putAside(unreadable)
            try file.delete()
            return path
        }
        done.files += 1
        done.linesAside += unreadable.count
        if let path { done.asideFiles.append(path) }
    }

    /// Every file, the oldest first.
    package func summaries() async throws(SpoolError) -> [SpoolFileSummary] {
        try await disk.run { () throws(SpoolError) in
            var found: [SpoolFileSummary] = []
            for kind in SpoolKind.allCases {
                for name in try self.directory.files(of: [kind]) {
                    if let summary = try SpoolFileSummary(reading: "\(self.folder)/\(name)", kind) {
                        found.append(summary)
                    }
                }
            }
            for name in try self.directory.filesAside() {
                let path = "\(self.folder)/\(name)"
                found.append(
                    SpoolFileSummary(
                        path: path, state: .unreadable, bytes: SpoolDirectory.size(of: path) ?? 0, kind: nil,
                        messages: 0, oldest: nil))
            }
            return found
        }
    }
}

extension SpoolFileSummary {
    /// Nil when the file is gone meanwhile.
    fileprivate init?(reading path: String, _ kind: SpoolKind) throws(SpoolError) {
        guard let bytes = SpoolDirectory.size(of: path) else { return nil }
        self.init(path: path, state: .inUse, bytes: bytes, kind: kind, messages: 0, oldest: nil)
        guard let file = try SpoolReader(path) else { return }
        state = .waiting
        while true {
            let lines = try file.next(500)
            if lines.isEmpty { return }
            for line in lines {
                guard let record = SpoolRecord(line: line) else { continue }
                messages += 1
                oldest = min(oldest ?? record.spooledAt, record.spooledAt)
            }
        }
    }
}
