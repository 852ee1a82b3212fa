import SystemPackage
import Testing

@testable import Moose

struct StandardInputTests {
    @Test func `a pipe is read to its end, however late its parts come`() async throws {
        let (input, output) = try FileDescriptor.pipeOfOurOwn()
        let reading = Task.detached { try StandardInput.readAll(from: input) }
        let part = [UInt8](repeating: 7, count: 100_000)
        for _ in 1...2 {
            try await Task.sleep(for: .milliseconds(20))
            try output.writeAll(part)
        }
        try output.close()
        #expect(try await reading.value == part + part)
        try input.close()
    }
}
