import Stack
import TestSupport
import Testing

@testable import AMQP

/// A node that is there and takes no clients now is a host that can't be used, not a mistake of the URL.
@Suite(.timeLimit(.minutes(2))) struct UnwillingNodeTests {
    private func complaint(after expressions: (String) -> String) async throws -> AMQPError? {
        try await TestStack.shared.withVirtualHost { url in
            let stack = try await TestStack.shared.stack()
            let configuration = try AMQPConfiguration(url: url)
            _ = try await stack.evaluate(expressions("<<\"\(configuration.virtualHost)\">>"))
            let publisher = try AMQPPublisher(configuration: configuration)
            let error = await #expect(throws: AMQPError.self) { try await publisher.connect() }
            await publisher.close()
            return error
        }
    }

    @Test func `a virtual host that is not up yet`() async throws {
        let error = try await complaint { "rabbit_vhost_sup_sup:delete_on_all_nodes(\($0))." }
        guard case .connectionRefused(let failures) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(failures.count == 1 && failures[0].reason.contains("is down"))
    }

    @Test func `a limit of connections`() async throws {
        let error = try await complaint {
            "rabbit_vhost_limit:set(\($0), [{<<\"max-connections\">>, 0}], <<\"moose\">>)."
        }
        guard case .connectionRefused(let failures) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(failures.count == 1 && failures[0].reason.contains("is reached"))
        #expect("\(try #require(error))".contains("Raise the limit"))
    }
}
