import Testing

@testable import Telemetry

@Suite struct TraceContextTests {
    private let example = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

    @Test func `a traceparent survives reading and writing`() throws {
        let context = try #require(TraceContext(traceparent: example))
        #expect(context.traceparent == example)
        #expect(context.traceID == "0af7651916cd43dd8448eb211c80319c")
        #expect(context.isSampled)
    }

    @Test func `a later version is read as far as version 00 goes`() throws {
        let later = "cc" + example.dropFirst(2) + "-more"
        #expect(try #require(TraceContext(traceparent: later)).traceparent == example)
    }

    @Test(arguments: [
        "", "00", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more",
        "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "00-00000000000000000000000000000000-b7ad6b7169203331-01",
        "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
        "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
        "00_0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01more",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b716920333é-1",
    ])
    func `a malformed traceparent is none`(text: String) {
        #expect(TraceContext(traceparent: text) == nil)
    }

    @Test func `a child stays in the trace and has its own step`() {
        let context = TraceContext.generate()
        let child = context.makeChild()
        #expect(child.traceID == context.traceID)
        #expect(child.spanID != context.spanID)
        #expect(TraceContext(traceparent: context.traceparent) == context)
    }
}
