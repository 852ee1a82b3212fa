/// How much of one kind may go on at a time, over all workers.
package struct KindLimits: Sendable, Equatable {
    /// So many starts in so many seconds: a bucket of `count` that fills up again within `seconds`.
    package struct Rate: Sendable, Equatable {
        package var count: Int
        package var seconds: Int

        package init(count: Int, seconds: Int) {
            self.count = count
            self.seconds = seconds
        }
    }

    /// So many at once; nil: no limit.
    package var concurrency: Int?
    /// Nil: no limit.
    package var rate: Rate?
    /// So many at once with the same concurrency key; nil: one.
    package var keyConcurrency: Int?

    package init(concurrency: Int? = nil, rate: Rate? = nil, keyConcurrency: Int? = nil) {
        self.concurrency = concurrency
        self.rate = rate
        self.keyConcurrency = keyConcurrency
    }
}
