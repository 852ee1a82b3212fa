/// Keeps a redrive below so many letters a second.
struct RedrivePace {
    private let rate: Int?
    private var due = ContinuousClock.now

    init(rate: Int?) { self.rate = rate }

    /// How many letters a round takes: at a slow pace few, so that it stays even.
    var batch: Int { rate.map { min(Redriver.batch, max(1, $0 / 4)) } ?? Redriver.batch }

    /// Waits until the next round may begin.
    mutating func wait(after count: Int) async throws {
        guard let rate else { return }
        due =
            max(due, ContinuousClock.now.advanced(by: .seconds(-1)))
            + .microseconds(Int64(count) * 1_000_000 / Int64(rate))
        try await Task.sleep(until: due, clock: .continuous)
    }
}
