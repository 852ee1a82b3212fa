package import FoundationEssentials

/// How far a time zone is from UTC, over a stretch of time: the zone's rules as plain figures.
package struct ZoneOffsets: Sendable, Equatable {
    /// From `start` until the next stretch, local time is `secondsEast` ahead of UTC.
    package struct Stretch: Sendable, Equatable {
        /// Seconds since 1970.
        package var start: Int64
        package var secondsEast: Int64

        package init(start: Int64, secondsEast: Int64) {
            self.start = start
            self.secondsEast = secondsEast
        }
    }

    /// In the order of time, never empty.
    package let stretches: [Stretch]
    /// What is known ends here, in seconds since 1970.
    package let end: Int64

    /// - Parameter stretches: in the order of time, at least one; the first begins a day or more before any instant asked
    ///   about.
    package init(stretches: [Stretch], end: Int64) {
        precondition(!stretches.isEmpty, "a time zone has an offset at any time")
        self.stretches = stretches
        self.end = end
    }

    /// Whether it answers for an instant and the years that a rare schedule may need.
    package func covers(_ instant: Date, years: Int64) -> Bool {
        let seconds = Int64(instant.timeIntervalSince1970)
        return stretches[0].start + 86_400 <= seconds && seconds + years * 31_622_400 <= end
    }
}
