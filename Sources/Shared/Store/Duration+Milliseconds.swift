extension Duration {
    /// Whole milliseconds, rounded down: how durations cross into SQL.
    package var milliseconds: Int64 {
        components.seconds * 1000 + components.attoseconds / 1_000_000_000_000_000
    }
}
