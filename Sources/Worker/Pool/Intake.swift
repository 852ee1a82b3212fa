internal import AMQP
internal import Logging
internal import Messaging
internal import Publisher
internal import Reporting
internal import Synchronization

/// The worker's consumers, one a lane: what they deliver goes to the board, and they are paused and resumed as it says.
final class Intake: Sendable {
    private let lanes: [String]
    private let consumer: AMQPConsumer
    private let board: PoolBoard
    private let reporter: Reporter
    private let logger: Logger
    /// Of the lanes, in their order; empty before ``subscribe()``.
    private let consumers = Mutex<[AMQPSubscription]>([])

    init(lanes: [String], consumer: AMQPConsumer, board: PoolBoard, reporter: Reporter, logger: Logger) {
        self.lanes = lanes
        self.consumer = consumer
        self.board = board
        self.reporter = reporter
        self.logger = logger
    }

    var subscriptions: [AMQPSubscription] { consumers.withLock { $0 } }
    var isConnected: Bool { consumer.status().connected }

    func subscribe() async throws(AMQPError) {
        for (index, lane) in lanes.enumerated() {
            let subscription = try await consumer.subscribe(
                to: MooseTopology.workQueue(lane: lane), prefetch: prefetch(lane: index))
            consumers.withLock { $0.append(subscription) }
        }
    }

    private func prefetch(lane: Int) -> Int { board.look { $0.lanes[lane].prefetch } }

    /// Takes in what a lane is delivered, until its subscription is closed.
    func receive(lane: Int) async {
        let subscription = subscriptions[lane]
        for await batch in subscription.batches {
            let isTaken = board.change {
                $0.arrive(batch.deliveries, lane: lane, at: .now, suspected: Suspicion.falls(on:))
            }
            if !isTaken { giveBack(batch.deliveries, to: subscription) }
        }
    }

    func acknowledge(_ entries: [Taken]) {
        let subscriptions = subscriptions
        guard subscriptions.count > 1 else {
            subscriptions.first?.acknowledge(entries.map(\.delivery.tag))
            return
        }
        for (lane, subscription) in subscriptions.enumerated() {
            subscription.acknowledge(entries.filter { $0.lane == lane }.map(\.delivery.tag))
        }
    }

    // MARK: Pauses

    /// Stops deliveries of a lane; nothing where they are stopped already.
    func pause(lane: Int) async {
        guard !board.look({ $0.lanes[lane].isConsumerPaused }) else { return }
        do {
            try await subscriptions[lane].pause()
            board.change { $0.setConsumerPaused(true, lane: lane) }
        } catch {
            // Without a broker nothing more is delivered; the next tick looks again.
            reporter.report("consume", "the consumer was not paused", error: error)
        }
    }

    /// Pauses every lane's consumer; ``resume()`` is the way back.
    func pauseAll() async {
        board.change { state in
            for lane in state.lanes.indices { state.setConsumerPaused(true, lane: lane) }
        }
        for subscription in subscriptions {
            do {
                try await subscription.pause()
            } catch {
                reporter.report("consume", "the consumer was not paused", error: error)
            }
        }
    }

    /// Consumes again where a consumer was paused, and nothing holds it any more.
    func resume() async {
        for lane in lanes.indices where board.change({ $0.resumes(lane: lane) }) {
            do {
                try await subscriptions[lane].resume(prefetch: prefetch(lane: lane))
            } catch {
                board.change { $0.setConsumerPaused(true, lane: lane) }
                reporter.report("consume", "the consumer was not resumed", error: error)
            }
        }
    }

    /// Has the broker hand out more while there is a line, and as many as there are slots where there is none.
    func followLines() async {
        for lane in lanes.indices where board.change({ $0.widen(lane: lane) }) != nil { await followSlots(lane: lane) }
    }

    /// Has the broker hand out as many as are wanted now. A consumer that is paused takes the number when it resumes.
    func followSlots(lane: Int) async {
        guard board.look({ !$0.lanes[lane].isConsumerPaused && !$0.isStopping }) else { return }
        do {
            try await subscriptions[lane].resume(prefetch: prefetch(lane: lane))
        } catch {
            reporter.report("control", "the broker did not take the new prefetch yet", error: error)
        }
    }

    /// What is tried apart takes no slot, but it takes of what the broker hands out at a time. A consumer that is started
    /// anew, which ``resume()`` does, gets as much as before on top.
    func renew(apart: (_ lane: Int) -> Int) async {
        for lane in lanes.indices {
            let count = apart(lane)
            guard board.change({ $0.wantsRenewal(lane: lane, apart: count) }) else { continue }
            await pause(lane: lane)
            board.change { $0.renewed(lane: lane, for: count) }
        }
    }

    // MARK: Giving back

    /// Returns what is unclaimed, once each. A claim that was sent and not answered goes on asking: it may have been
    /// granted. Whoever else gets its message meets the lease.
    func giveBackUnclaimed(because trouble: String) async {
        for subscription in subscriptions {
            do {
                try await subscription.giveBack()
            } catch {
                reporter.report("consume", "deliveries were not given back", error: error)
            }
        }
        let count = board.change { $0.takeUnclaimed().reduce(0) { $0 + $1.count } }
        logger.error(
            "\(trouble); unclaimed deliveries went back to the queue", metadata: ["deliveries": "\(count)"])
    }

    /// Takes no more, and gives back at once what is not claimed.
    func stop() async {
        let unclaimed = board.change { state in
            state.stop()
            return state.takeUnclaimed()
        }
        for (subscription, deliveries) in zip(subscriptions, unclaimed) {
            // A broker that is away delivers nothing anyway, and takes back by itself what was unclaimed.
            try? await subscription.pause()
            giveBack(deliveries, to: subscription)
        }
    }

    /// Ends every consumer's channel, which returns whatever is unsettled.
    func close() async {
        for subscription in subscriptions { await subscription.close() }
    }

    /// Others need not wait until this process has ended: at the price of one return each, as a closed channel's.
    private func giveBack(_ deliveries: [Delivery], to subscription: AMQPSubscription) {
        for delivery in deliveries { subscription.reject(delivery.tag, requeue: true) }
    }
}
