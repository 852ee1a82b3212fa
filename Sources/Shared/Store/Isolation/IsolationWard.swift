internal import IOThread
package import Postgres

/// Where items go whose batch failed, so that the others go on: pieces of a batch are tried apart from new work, halved
/// until what fails stands alone, and put aside once it failed alone so often. Pure: it decides, others do the I/O.
///
/// - Nothing is put aside for a server's fault: away or starved, an item waits as long as it takes.
/// - What was refused for what it is (``PostgresFault/item``) is put aside after ``IsolationTerms/refusals``.
/// - Where it is unclear who is to blame, it counts against an item only that others passed after it had failed alone.
///   Where nothing else comes, one item is put aside on the word of a canary, an empty statement of the same kind.
package struct IsolationWard<Item: Sendable>: Sendable {
    package typealias Instant = ContinuousClock.Instant

    /// Items that are tried together.
    package struct Piece: Sendable {
        package fileprivate(set) var items: [Item]
        /// How often these items failed together, by others' locks or in a way that says nothing of them.
        fileprivate var failures = 0
        /// How often the one item failed alone, and was blamed.
        fileprivate var blamed = 0
        /// What had passed when it first failed alone.
        fileprivate var passedBefore: Int?
        fileprivate var due: Instant

        /// The same piece with its items changed, each into what is to be tried next.
        package func mapped(_ change: (Item) -> Item) -> Piece {
            var piece = self
            piece.items = items.map(change)
            return piece
        }
    }

    private let terms: IsolationTerms
    private var waiting: [Piece] = []
    private var underWay = 0
    /// Items that have passed, here or in a batch.
    private var passed = 0
    /// What had passed when one was last put aside on the word of a canary.
    private var passedAtLonely: Int?

    package init(_ terms: IsolationTerms = IsolationTerms()) { self.terms = terms }

    /// How many items wait or are just tried.
    package var count: Int { waiting.reduce(underWay) { $0 + $1.items.count } }

    /// How many items of some kind wait.
    package func count(where matches: (Item) -> Bool) -> Int {
        waiting.reduce(0) { $0 + $1.items.count(where: matches) }
    }

    /// When the next piece is to be tried; nil while none waits.
    package var nextDue: Instant? { waiting.map(\.due).min() }

    /// Takes in a batch that failed once.
    package mutating func admit(_ items: [Item], after fault: PostgresFault, at now: Instant) {
        guard !items.isEmpty else { return }
        judge(Piece(items: items, due: now), fault, canaryPassed: false, at: now)
    }

    /// Takes in items that are not to be tried with others, though nothing is known against them.
    package mutating func admitAlone(_ items: [Item], at now: Instant) {
        waiting += items.map { Piece(items: [$0], due: now) }
    }

    /// The piece to try now, the one that waits longest; answered by ``passed(_:)`` or ``failed(_:_:canaryPassed:at:)``.
    package mutating func take(at now: Instant) -> Piece? {
        guard let index = waiting.indices.min(by: { waiting[$0].due < waiting[$1].due }), waiting[index].due <= now
        else { return nil }
        let piece = waiting.remove(at: index)
        underWay += piece.items.count
        return piece
    }

    /// A piece went through.
    package mutating func passed(_ piece: Piece) {
        underWay -= piece.items.count
        passed += piece.items.count
    }

    /// So many items went through outside.
    package mutating func othersPassed(_ count: Int) { passed += count }

    /// Whether a canary's word could decide over this piece: then one is sent before ``failed(_:_:canaryPassed:at:)``.
    package func wantsCanary(_ piece: Piece, after fault: PostgresFault) -> Bool {
        fault == .unclear && piece.items.count == 1 && piece.blamed + 1 >= terms.lonelyDoubts
    }

    /// A piece failed. It is tried again later, in halves where it has several items.
    ///
    /// - Parameter canaryPassed: an empty statement of the same kind went through just now.
    /// - Returns: what is to be put aside, which is no longer here.
    @discardableResult
    package mutating func failed(
        _ piece: Piece, _ fault: PostgresFault, canaryPassed: Bool = false, at now: Instant
    ) -> Item? {
        underWay -= piece.items.count
        return judge(piece, fault, canaryPassed: canaryPassed, at: now)
    }

    @discardableResult
    private mutating func judge(
        _ piece: Piece, _ fault: PostgresFault, canaryPassed: Bool, at now: Instant
    ) -> Item? {
        var piece = piece
        guard piece.items.count == 1 else {
            piece.failures += 1
            // Locks and lost connections mostly pass: only then is it worth finding out whom they concern.
            let patience = fault == .contention || fault == .away ? 3 : fault == .unclear ? 2 : 1
            if piece.failures >= patience, fault != .away {
                split(piece, at: now)
            } else {
                piece.due = now + wait(after: piece.failures, fault)
                waiting.append(piece)
            }
            return nil
        }
        switch fault {
        case .away, .starved:
            piece.failures += 1
            piece.due = now + wait(after: piece.failures, fault)
        case .contention, .unclear, .item:
            piece.blamed += 1
            if piece.passedBefore == nil { piece.passedBefore = passed }
            if isGuilty(piece, fault, canaryPassed) {
                if !othersPassed(since: piece), fault == .unclear { passedAtLonely = passed }
                return piece.items[0]
            }
            piece.due = now + wait(after: piece.blamed, fault)
        }
        waiting.append(piece)
        return nil
    }

    private func isGuilty(_ piece: Piece, _ fault: PostgresFault, _ canaryPassed: Bool) -> Bool {
        switch fault {
        case .away, .starved: false
        case .item: piece.blamed >= terms.refusals
        case .contention: piece.blamed >= terms.contentions && othersPassed(since: piece)
        case .unclear:
            piece.blamed >= terms.doubts && othersPassed(since: piece)
                || piece.blamed >= terms.lonelyDoubts && canaryPassed && isLonelyAllowed
        }
    }

    private var isLonelyAllowed: Bool { !terms.lonelyNeedsOthers || passedAtLonely.map { $0 < passed } ?? true }

    private func othersPassed(since piece: Piece) -> Bool { piece.passedBefore.map { $0 < passed } ?? false }

    /// The halves are due at once, and a next failure halves them at once, whatever it is.
    private mutating func split(_ piece: Piece, at now: Instant) {
        let middle = piece.items.count / 2
        for half in [piece.items[..<middle], piece.items[middle...]] {
            var part = Piece(items: Array(half), due: now)
            part.failures = part.items.count > 1 ? 2 : 0
            waiting.append(part)
        }
    }

    /// A server that comes back finds everybody soon.
    private func wait(after failures: Int, _ fault: PostgresFault) -> Duration {
        let longest = fault == .away ? min(.seconds(2), terms.longestWait) : terms.longestWait
        return Backoff(base: terms.firstWait, cap: longest).pause(after: failures)
    }
}
