internal import IOThread

/// How a group of processes is kept.
package struct FleetTerms: Sendable {
    /// How many there are at first.
    package var processes: Int
    /// How long a draining process may take before it is killed, when the whole group stops. Default 60 s.
    package var drainLimit: Duration = .seconds(60)
    /// Whether a process that ended in good order without being asked to is replaced. Default false: somebody drained
    /// it, and wanted it gone.
    package var replacesDrained = false
    /// The memory a process may hold before it is replaced, in bytes. Default nil: no limit.
    package var maxResidentBytes: Int64?
    /// A younger process is not replaced for its memory: under a limit below what every process needs, nothing else
    /// would happen any more. Default 60 s.
    package var replaceableAfter: Duration = .seconds(60)
    /// The wait before the first restart; it doubles with each failure in a row. Default 0.5 s.
    package var backoffBase: Duration = .milliseconds(500)
    /// The longest wait before a restart. Default 30 s.
    package var backoffCap: Duration = .seconds(30)
    /// A process that has taken work for so long is no crash loop any more. Default 10 s.
    package var steadyAfter: Duration = .seconds(10)
    /// So many failures in a row are a crash loop: reported, and when it is the same with all, the end. Default 5.
    package var loopAfter = 5
    /// How long a process over its memory limit is kept for its replacement to get ready. Default 30 s.
    package var replacementPatience: Duration = .seconds(30)

    /// How long the end of the group waits for what is still to be told of its processes. Default 10 s: then leases
    /// decide.
    package var tellingLimit: Duration = .seconds(10)

    package init(processes: Int) { self.processes = processes }

    /// The wait before the next start, after so many failures in a row.
    func backoff(after failures: Int) -> Duration {
        Backoff(base: backoffBase, cap: backoffCap).pause(after: failures)
    }
}
