internal import FoundationEssentials
package import Postgres
package import Store

/// A dead letter on its way into the database.
package struct Burial: Sendable {
    package var letter: DeadLetter
    /// Called once it is there: the delivery may be acknowledged.
    package let done: @Sendable () -> Void

    package init(_ letter: DeadLetter, done: @escaping @Sendable () -> Void = {}) {
        self.letter = letter
        self.done = done
    }
}

/// Writes dead letters so that nothing in one of them can stop the others. What the database takes in no other way is
/// kept by its bytes alone, which nothing can make fail.
package final class LetterDesk: Sendable {
    private let store: Store
    private let apart: Store
    private let writer: IsolatingWriter<Burial>
    private let failed: @Sendable (PostgresError, Int) -> Void
    private let written: @Sendable ([DeadLetter]) -> Void

    /// - Parameters:
    ///   - store: for batches.
    ///   - apart: for what failed, beside them.
    ///   - failed: hears of every failure, and of how many letters.
    ///   - written: hears of the letters that are there.
    package init(
        store: Store, apart: Store, failed: @escaping @Sendable (PostgresError, Int) -> Void,
        written: @escaping @Sendable ([DeadLetter]) -> Void = { _ in }
    ) {
        var terms = IsolationTerms()
        terms.lonelyNeedsOthers = false
        writer = IsolatingWriter(terms)
        self.store = store
        self.apart = apart
        self.failed = failed
        self.written = written
    }

    /// How many letters were refused once and are tried apart.
    package var isolated: Int { writer.isolated }

    /// Nil while letters are written, or none waits.
    package var trouble: String? { writer.trouble("dead letters are not recorded") }

    /// Tries a batch once. What fails is the desk's own; nil: all of it is there, or the desk's own.
    ///
    /// - Returns: why the database takes nothing now; then the letters are the caller's still, as ``again(_:after:)`` makes them.
    package func bury(_ burials: [Burial]) async -> PostgresError? {
        if case .away(let error) = await writer.write(burials, actions) { error } else { nil }
    }

    /// Has letters written one by one, beside the others.
    package func buryAlone(_ burials: [Burial]) { writer.writeAlone(burials) }

    /// It is written once more. Where it may have been written all the same, it must not be written again.
    package static func again(_ burial: Burial, after error: PostgresError) -> Burial {
        guard error.mayHaveCommitted else { return burial }
        var burial = burial
        burial.letter.comesAgain()
        return burial
    }

    /// Writes what is apart, until the task is cancelled.
    package func run() async { await writer.run(actions) }

    private var actions: IsolatingWriter<Burial>.Actions {
        .init(
            write: { burials, isApart throws(PostgresError) in
                _ = try await (isApart ? self.apart : self.store).bury(burials.map(\.letter))
                for burial in burials { burial.done() }
                self.written(burials.map(\.letter))
            },
            canary: { () throws(PostgresError) in _ = try await self.apart.bury([], isCanary: true) },
            again: { Self.again($0, after: $1) },
            putAside: { burial, error in await self.keepBytes(of: burial, error) },
            failed: failed)
    }

    private func keepBytes(of burial: Burial, _ error: PostgresError) async -> Bool {
        do throws(PostgresError) {
            try await apart.keepBytes(of: burial.letter, because: error)
            burial.done()
            written([burial.letter])
            return true
        } catch {
            failed(error, 1)
            return false
        }
    }
}
