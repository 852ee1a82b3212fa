/// How patient an ``IsolationWard`` is.
package struct IsolationTerms: Sendable, Equatable {
    /// After how many failures alone something refused is put aside. Default 2: the second look is for what changed
    /// meanwhile.
    package var refusals = 2
    /// The same where it is unclear who is to blame, and others passed since the first of them. Default 4.
    package var doubts = 4
    /// The same where nothing else has passed since, because nothing else came, though the database takes statements of
    /// its kind. Default 6. It is done for one item; for the next, others must pass first.
    package var lonelyDoubts = 6
    /// Whether others must pass before the next is put aside so. Default true; false where what is put aside is kept whole
    /// and nobody waits for it.
    package var lonelyNeedsOthers = true
    /// The same for locks of others, where others passed. Default 20.
    package var contentions = 20
    /// The wait after the first failure; doubled with each, up to ``longestWait``. Default 100 ms.
    package var firstWait = Duration.milliseconds(100)
    /// Default 15 s.
    package var longestWait = Duration.seconds(15)

    package init() {}
}
