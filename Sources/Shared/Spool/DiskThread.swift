internal import IOThread

/// A thread for calls that wait for a disk, which must never be one of Swift's cooperative pool. What it is given runs
/// in order.
final class DiskThread: Sendable {
    private enum Command: Sendable {
        case run(@Sendable () -> Void)
        case stop
    }

    private let mailbox: Mailbox<Command>

    init() throws(SpoolError) {
        do {
            let mailbox = try Mailbox<Command>()
            self.mailbox = mailbox
            let thread = try IOThread(name: "spool") { Self.work(mailbox) }
            thread.detach()
        } catch {
            throw .system("\(error)")
        }
    }

    deinit { mailbox.post(.stop) }

    private static func work(_ mailbox: Mailbox<Command>) {
        var poll = PollSet()
        poll.add(mailbox.fileDescriptor, .readable)
        while true {
            poll.wait(until: nil)
            for command in mailbox.drain() {
                switch command {
                case .run(let body): body()
                case .stop: return
                }
            }
        }
    }

    /// Runs the body there and waits for it without holding a thread of the pool.
    func run<Value: Sendable>(
        _ body: @escaping @Sendable () throws(SpoolError) -> Value
    ) async throws(SpoolError) -> Value {
        typealias Answer = CheckedContinuation<Result<Value, SpoolError>, Never>
        let result = await withCheckedContinuation { (continuation: Answer) in
            mailbox.post(
                .run {
                    do throws(SpoolError) {
                        continuation.resume(returning: .success(try body()))
                    } catch {
                        continuation.resume(returning: .failure(error))
                    }
                })
        }
        return try result.get()
    }
}
