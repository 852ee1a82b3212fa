import Testing

@testable import Postgres

@Suite struct `A request` {
    @Test func `cancelled before it is sent is never sent`() {
        let request = Request(.query("SELECT 1"))
        request.cancel()
        #expect(!request.beginSending())
        #expect(!request.answer(.success(.done)))
    }

    @Test func `hears the first answer, also when it comes before anyone waits`() async {
        let request = Request(.query("SELECT 1"))
        #expect(request.beginSending())
        request.cancel()
        #expect(!request.answer(.success(.done)))
        let answer = await withCheckedContinuation { continuation in request.attach(continuation) }
        guard case .failure(.cancelled(wasSent: true)) = answer else {
            Issue.record("answered \(answer)")
            return
        }
    }
}
