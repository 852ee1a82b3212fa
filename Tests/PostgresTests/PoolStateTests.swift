import IOThread
import Testing

@testable import Postgres

@Suite struct `A pool decides` {
    private let start = ContinuousClock.now
    private let later = ContinuousClock.now + .seconds(10)
    private let failure = PostgresError.unreachable(reason: "refused")

    private func connectedPool(_ count: Int) -> PoolState {
        var pool = PoolState(maxConnections: count)
        for id in 0..<count { _ = pool.submit(UInt64(1000 + id), deadline: later, now: start) }
        for id in 1...count { _ = pool.connected(UInt64(id), now: start) }
        for id in 1...count { _ = pool.released(UInt64(id), now: start) }
        return pool
    }

    @Test func `the first waiter opens the first connection and gets it`() {
        var pool = PoolState(maxConnections: 2)
        #expect(pool.submit(7, deadline: later, now: start) == [.open(1)])
        #expect(pool.connected(1, now: start) == [.serve(7, 1)])
        #expect(pool.leased == [1])
    }

    @Test func `no more connections are opened than allowed or wanted`() {
        var pool = PoolState(maxConnections: 2)
        #expect(pool.submit(1, deadline: later, now: start) == [.open(1)])
        #expect(pool.submit(2, deadline: later, now: start) == [.open(2)])
        #expect(pool.submit(3, deadline: later, now: start) == [])
    }

    @Test func `waiters are served in the order they came`() {
        var pool = connectedPool(1)
        #expect(pool.submit(1, deadline: later, now: start) == [.serve(1, 1)])
        #expect(pool.submit(2, deadline: later, now: start) == [])
        #expect(pool.submit(3, deadline: later, now: start) == [])
        #expect(pool.released(1, now: start) == [.serve(2, 1)])
        #expect(pool.released(1, now: start) == [.serve(3, 1)])
    }

    @Test func `idle connections to a server that failed over are closed, and new ones opened for who waits`() {
        var pool = connectedPool(2)
        #expect(pool.submit(1, deadline: later, now: start) == [.serve(1, 2)])
        #expect(pool.retireIdle(now: start) == [.close(1)])
        #expect(pool.submit(2, deadline: later, now: start) == [.open(3)])
        #expect(pool.lost(2, failure, now: start) == [])
        #expect(pool.connected(3, now: start) == [.serve(2, 3)])
    }

    @Test func `nobody waits for what only a person can change`() {
        var pool = PoolState(maxConnections: 1)
        _ = pool.submit(1, deadline: later, now: start)
        _ = pool.submit(2, deadline: later, now: start)
        let unsuitable = PostgresError.unsuitable(reason: "LATIN1", remedy: "another")
        let actions = pool.connectFailed(1, unsuitable, now: start, jitter: 0)
        #expect(actions == [.fail(1, unsuitable), .fail(2, unsuitable)])
    }

    @Test func `one who gave up is passed over`() {
        var pool = connectedPool(1)
        for id: UInt64 in 1...3 { _ = pool.submit(id, deadline: later, now: start) }
        #expect(pool.abandon(2) == true)
        #expect(pool.abandon(1) == false)
        #expect(pool.released(1, now: start) == [.serve(3, 1)])
    }

    @Test func `after a failure one connection is tried at a time, after a growing pause`() {
        var pool = PoolState(maxConnections: 4, backoff: Backoff(base: .seconds(1), cap: .seconds(5)))
        for id: UInt64 in 1...3 { _ = pool.submit(id, deadline: later, now: start) }
        #expect(pool.connectFailed(1, failure, now: start, jitter: 1) == [])
        #expect(pool.connectFailed(2, failure, now: start, jitter: 1) == [])
        #expect(pool.connectFailed(3, failure, now: start, jitter: 1) == [])
        #expect(pool.nextDeadline == start + .seconds(4))
        #expect(pool.advance(now: start + .seconds(3)) == [])
        #expect(pool.advance(now: start + .seconds(4)) == [.open(4)])
        #expect(pool.connected(4, now: start + .seconds(4)) == [.serve(1, 4), .open(5), .open(6)])
    }

    @Test func `who waited to its deadline hears why there was no connection`() {
        var pool = PoolState(maxConnections: 1)
        _ = pool.submit(1, deadline: start + .seconds(1), now: start)
        _ = pool.connectFailed(1, failure, now: start, jitter: 1)
        #expect(pool.advance(now: start + .seconds(1)).first == .fail(1, failure))
    }

    @Test func `a busy pool times out rather than being called unreachable`() {
        var pool = connectedPool(1)
        _ = pool.submit(1, deadline: later, now: start)
        _ = pool.submit(2, deadline: start + .seconds(1), now: start)
        let actions = pool.advance(now: start + .seconds(1))
        #expect(actions == [.fail(2, .timeout(reason: "All 1 connections stayed busy"))])
    }

    @Test func `an impatient waiter hears of the first failure, a patient one waits on`() {
        var pool = PoolState(maxConnections: 1)
        _ = pool.submit(1, deadline: later, now: start)
        _ = pool.submit(2, deadline: later, failsFast: true, now: start)
        #expect(pool.connectFailed(1, failure, now: start, jitter: 0) == [.fail(2, failure)])
        #expect(pool.waiting == 1)
    }

    @Test func `a lost connection is replaced while somebody waits, and one is kept when nobody does`() {
        var pool = connectedPool(2)
        #expect(pool.lost(1, failure, now: start) == [])
        #expect(pool.lost(2, failure, now: start) == [.open(3)])
        #expect(pool.lastFailure == failure)
        #expect(pool.connected(3, now: start) == [])
        #expect(pool.lastFailure == nil)
    }

    @Test func `closing answers all waiters and takes leased connections when they come back`() {
        var pool = connectedPool(2)
        for id: UInt64 in 1...3 { _ = pool.submit(id, deadline: later, now: start) }
        #expect(pool.close() == [.fail(3, .closed)])
        #expect(pool.released(2, now: start) == [.close(2)])
        #expect(pool.submit(4, deadline: later, now: start) == [.fail(4, .closed)])
        #expect(pool.lost(1, failure, now: start) == [])
    }
}
