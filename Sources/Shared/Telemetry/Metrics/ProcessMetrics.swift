import FoundationEssentials
import Glibc

/// What the kernel knows of this process, under the names every Prometheus dashboard knows.
package enum ProcessMetrics {
    /// Adds the metrics to the registry; each is read at the scrape.
    static func register(in registry: MetricsRegistry) {
        registry.observe("process_resident_memory_bytes", help: "Memory held in RAM.", isCounter: false) {
            residentBytes()
        }
        registry.observe("process_cpu_seconds_total", help: "User and system CPU time.", isCounter: true) {
            cpuSeconds()
        }
        registry.observe("process_open_fds", help: "Open file descriptors.", isCounter: false) {
            openDescriptors()
        }
        registry.observe("process_max_fds", help: "Limit of open file descriptors.", isCounter: false) {
            descriptorLimit()
        }
        registry.observe(MetricName.logLinesDropped, isCounter: true) { Double(StandardError.droppedLines) }
        let start = startTime()
        registry.observe("process_start_time_seconds", help: "Start of the process since 1970.", isCounter: false) {
            start
        }
    }

    /// The memory in RAM; nil when `/proc` isn't mounted.
    package static func residentBytes() -> Double? {
        guard let fields = words(of: "/proc/self/statm"), fields.count > 1, let pages = Double(fields[1]) else {
            return nil
        }
        return pages * Double(sysconf(Int32(_SC_PAGESIZE)))
    }

    /// CPU time used since the start.
    static func cpuSeconds() -> Double? {
        var time = timespec()
        guard unsafe clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time) == 0 else { return nil }
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }

    /// Open descriptors; nil when `/proc` isn't mounted.
    static func openDescriptors() -> Double? {
        // One of them is the listing's own. A failure means that there is nothing to report.
        guard let names = try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd") else { return nil }
        return Double(max(0, names.count - 1))
    }

    /// The soft limit of open descriptors.
    static func descriptorLimit() -> Double? {
        var limit = rlimit()
        guard unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return nil }
        return Double(limit.rlim_cur)
    }

    /// Seconds from 1970 to the start of the process; nil when `/proc` isn't mounted.
    static func startTime() -> Double? {
        guard let stat = try? String(contentsOfFile: "/proc/self/stat", encoding: .utf8),
            let nameEnd = stat.lastIndex(of: ")"), let system = words(of: "/proc/stat"),
            let label = system.firstIndex(of: "btime"), label + 1 < system.count, let boot = Double(system[label + 1])
        else { return nil }
        // Field 22 of the whole line is field 20 behind the program's name, which may itself hold blanks.
        let fields = stat[stat.index(after: nameEnd)...].split(separator: " ")
        guard fields.count > 19, let ticks = Double(fields[19]) else { return nil }
        return boot + ticks / Double(sysconf(Int32(_SC_CLK_TCK)))
    }

    private static func words(of path: String) -> [Substring]? {
        // A failure means that there is nothing to report.
        guard let text = try? String(contentsOfFile: path, encoding: .utf8) else { return nil }
        return text.split { $0 == " " || $0 == "\n" }
    }
}
