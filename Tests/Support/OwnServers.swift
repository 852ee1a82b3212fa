internal import FoundationEssentials
internal import Glibc
package import Stack

/// Runs the body with a stack that nobody else uses, so that it may kill and freeze the servers; removed afterwards.
package func withOwnServers<Result: Sendable>(_ body: (Stack) async throws -> Result) async throws -> Result {
    let folder = "/tmp/moose-own-servers-\(getpid())-\(UInt32.random(in: .min ... .max))"
    try TestStack.guardUntilExit(folder)
    let stack = Stack(folder: "\(folder)/.moose")
    let result: Result
    do {
        _ = try await stack.start()
        result = try await body(stack)
    } catch {
        // The error of the test is the one to show; what this leaves goes with the process.
        try? await Task { try await stack.remove() }.value
        throw error
    }
    try await stack.remove()
    try FileManager.default.removeItem(atPath: folder)
    return result
}
