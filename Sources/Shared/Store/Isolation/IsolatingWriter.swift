internal import FoundationEssentials
package import Postgres
internal import Synchronization

/// Writes batches so that one bad item stops nobody: what fails goes into an ``IsolationWard``, is tried there apart
/// from what comes next, and is put aside in the end. Whoever writes for what comes from outside uses this.
///
/// ``run(_:)`` goes on beside ``write(_:_:)``.
package final class IsolatingWriter<Item: Sendable>: Sendable {
    /// What became of a batch.
    package enum Outcome: Sendable {
        case written
        /// It failed; its items are in the ward and no longer the caller's.
        case isolated(PostgresError)
        /// The database takes nothing now: the batch is the caller's still.
        case away(PostgresError)
    }

    /// What it is done with.
    package struct Actions: Sendable {
        fileprivate let write: @Sendable (_ items: [Item], _ isApart: Bool) async throws(PostgresError) -> Void
        fileprivate let canary: @Sendable () async throws(PostgresError) -> Void
        fileprivate let again: @Sendable (Item, PostgresError) -> Item
        fileprivate let putAside: @Sendable (Item, PostgresError) async -> Bool
        fileprivate let failed: @Sendable (PostgresError, Int) -> Void

        /// - Parameters:
        ///   - write: writes items in one commit, and answers for them. `isApart`: out of the ward, beside what comes next.
        ///   - canary: the same statement without anything in it.
        ///   - again: what to try next in the place of an item that failed so.
        ///   - putAside: puts an item aside that failed alone so often. False: not now, try it again.
        ///   - failed: hears of every failure, and of how many items.
        package init(
            write: @escaping @Sendable (_ items: [Item], _ isApart: Bool) async throws(PostgresError) -> Void,
            canary: @escaping @Sendable () async throws(PostgresError) -> Void,
            again: @escaping @Sendable (Item, PostgresError) -> Item = { item, _ in item },
            putAside: @escaping @Sendable (Item, PostgresError) async -> Bool,
            failed: @escaping @Sendable (PostgresError, Int) -> Void
        ) {
            self.write = write
            self.canary = canary
            self.again = again
            self.putAside = putAside
            self.failed = failed
        }
    }

    private struct State {
        var ward: IsolationWard<Item>
        /// Items that are just being written.
        var inHand = 0
        var progress: ProgressWatch

        mutating func note(_ error: PostgresError? = nil, passed: Bool = false, held: Int = 0) {
            progress.waits(inHand + ward.count + held, at: .now)
            if passed { progress.progressed(at: .now) }
            if let error { progress.failed("\(error)") }
        }
    }

    private let state: Mutex<State>
    private let bells: AsyncStream<Void>
    private let bell: AsyncStream<Void>.Continuation

    /// - Parameter patience: how long nothing may go through before ``trouble(_:)`` says so.
    package init(_ terms: IsolationTerms = IsolationTerms(), patience: Duration = .seconds(30)) {
        state = Mutex(State(ward: IsolationWard(terms), progress: ProgressWatch(patience: patience)))
        (bells, bell) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    /// How many items are apart.
    package var isolated: Int { state.withLock { $0.ward.count } }

    /// How many of some kind are apart and wait.
    package func isolated(where matches: (Item) -> Bool) -> Int { state.withLock { $0.ward.count(where: matches) } }

    /// Nil while it gets on, or has nothing to do.
    ///
    /// - Parameter what: what does not happen, such as `events are not recorded`.
    package func trouble(_ what: String) -> String? { state.withLock { $0.progress.trouble(what, at: .now) } }

    /// Tries a batch once.
    package func write(_ items: [Item], _ actions: Actions) async -> Outcome {
        guard !items.isEmpty else { return .written }
        state.withLock { state in
            state.inHand += items.count
            state.note()
        }
        do throws(PostgresError) {
            try await actions.write(items, false)
            state.withLock { state in
                state.ward.othersPassed(items.count)
                state.inHand -= items.count
                state.note(passed: true)
            }
            return .written
        } catch {
            if error.fault == .away {
                // Its caller has it in hand still.
                state.withLock { state in
                    state.inHand -= items.count
                    state.note(error, held: items.count)
                }
                return .away(error)
            }
            actions.failed(error, items.count)
            state.withLock { state in
                state.ward.admit(items.map { actions.again($0, error) }, after: error.fault, at: .now)
                state.inHand -= items.count
                state.note(error)
            }
            bell.yield()
            return .isolated(error)
        }
    }

    /// Has items tried one by one, beside the others.
    package func writeAlone(_ items: [Item]) {
        guard !items.isEmpty else { return }
        state.withLock { state in
            state.ward.admitAlone(items, at: .now)
            state.note()
        }
        bell.yield()
    }

    /// Tries what is apart when it is due, until the task is cancelled.
    package func run(_ actions: Actions) async {
        for await _ in bells {
            while !Task.isCancelled, let due = state.withLock({ $0.ward.nextDue }) {
                if let piece = state.withLock({ $0.ward.take(at: .now) }) {
                    await attempt(piece, actions)
                } else {
                    // What comes meanwhile may be due sooner. Cancelled: the loop's condition ends it.
                    try? await Task.sleep(for: min(.milliseconds(100), max(.milliseconds(1), due - .now)))
                }
            }
        }
    }

    private func attempt(_ piece: IsolationWard<Item>.Piece, _ actions: Actions) async {
        do throws(PostgresError) {
            try await actions.write(piece.items, true)
            state.withLock { state in
                state.ward.passed(piece)
                state.note(passed: true)
            }
        } catch {
            actions.failed(error, piece.items.count)
            let canaryPassed =
                state.withLock { $0.ward.wantsCanary(piece, after: error.fault) } ? await passes(actions) : false
            let guilty = state.withLock { state in
                defer { state.note(error) }
                return state.ward.failed(
                    piece.mapped { actions.again($0, error) }, error.fault, canaryPassed: canaryPassed, at: .now)
            }
            guard let guilty else { return }
            let isAside = await actions.putAside(guilty, error)
            state.withLock { state in
                if !isAside { state.ward.admit([guilty], after: .away, at: .now) }
                // What is put aside is dealt with.
                state.note(isAside ? nil : error, passed: isAside)
            }
        }
    }

    private func passes(_ actions: Actions) async -> Bool {
        do throws(PostgresError) {
            try await actions.canary()
            return true
        } catch {
            // It says that nobody can tell whose fault it is; what is tried next says the same.
            return false
        }
    }
}
