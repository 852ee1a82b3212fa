internal import Glibc

/// What this process has used of the processors.
enum ProcessorTime {
    /// Microseconds since its start, of all its threads, in user and in system mode together.
    static func used() -> Double {
        var time = timespec()
        // The clock of the process itself is always there.
        _ = unsafe clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return Double(time.tv_sec) * 1e6 + Double(time.tv_nsec) / 1e3
    }
}
