internal import Store

/// The jobs of a worker by their leases: those that run, and those that have ended and whose end isn't written yet. Pure.
struct RunningJobs: Sendable {
    private struct Entry {
        let job: RunningJob
        /// Its end waits to be written, or is just being written.
        var hasEnded = false
    }

    private var entries: [LeaseKey: Entry] = [:]
    /// What this worker holds and somebody cancelled, as the database said last; also of jobs that are about to start.
    private var cancels: [LeaseKey: CancelRequest] = [:]

    var count: Int { entries.count }
    var isEmpty: Bool { entries.isEmpty }
    /// How many have ended and are still here.
    var endedCount: Int { entries.values.count { $0.hasEnded } }
    /// Every lease that is to be renewed: until its end is written, too.
    var leases: [LeaseKey] { Array(entries.keys) }
    var all: [RunningJob] { entries.values.map(\.job) }

    /// - Returns: whether somebody has cancelled it already.
    mutating func start(_ key: LeaseKey, _ job: RunningJob) -> Bool {
        entries[key] = Entry(job: job)
        return !cancels.isEmpty && cancels[key] != nil
    }

    /// - Returns: whether it ran until now.
    mutating func end(_ key: LeaseKey) -> Bool {
        // In place: `entries[key]?.hasEnded = true` takes memory three times for each job.
        guard let index = entries.index(forKey: key), !entries.values[index].hasEnded else { return false }
        entries.values[index].hasEnded = true
        return true
    }

    mutating func remove(_ key: LeaseKey) { entries[key] = nil }

    /// Of lost leases the jobs that still run: the end of one that has ended may have been written between the two looks.
    func stillRunning(_ lost: [LeaseKey]) -> [(key: LeaseKey, job: RunningJob)] {
        lost.compactMap { key in entries[key].flatMap { $0.hasEnded ? nil : (key, $0.job) } }
    }

    /// Takes over what is cancelled now.
    /// - Returns: the jobs concerned.
    mutating func cancel(_ requests: [CancelRequest]) -> [(request: CancelRequest, job: RunningJob)] {
        cancels = Dictionary(requests.map { ($0.key, $0) }) { first, _ in first }
        return requests.compactMap { request in entries[request.key].map { (request, $0.job) } }
    }
}
