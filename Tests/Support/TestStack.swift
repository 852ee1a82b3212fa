internal import FoundationEssentials
internal import Glibc
package import Stack

/// The private RabbitMQ and PostgreSQL of this test process: started when the first test asks, gone when the process is,
/// however it ends. With `MOOSE_TEST_STACK_FOLDER` set it uses the stack in that folder and leaves it running.
package actor TestStack {
    package static let shared = TestStack()

    private var starting: Task<Stack, any Error>?
    private var templates: [String: Task<Void, any Error>] = [:]
    private var count = 0

    /// Suites share the stack, so a test that kills or freezes a server needs one of its own.
    package init() {}

    /// The stack, running.
    package func stack() async throws -> Stack {
        if let starting { return try await starting.value }
        let task = Task { try await Self.start() }
        starting = task
        return try await task.value
    }

    /// A broker that looks for overdue consumers every second, so that tests of it end soon.
    private static let options = StackOptions(channelTickInterval: .seconds(1))

    private static func start() async throws -> Stack {
        if let folder = ProcessInfo.processInfo.environment["MOOSE_TEST_STACK_FOLDER"], !folder.isEmpty {
            let stack = Stack(folder: folder, options: options)
            _ = try await stack.start()
            return stack
        }
        let folder = "/tmp/moose-tests-\(getpid())-\(String(UInt32.random(in: .min ... .max), radix: 36))"
        try guardUntilExit(folder)
        let stack = Stack(folder: "\(folder)/.moose", options: options)
        _ = try await stack.start()
        return stack
    }

    /// Promises that the stacks below this folder, and the folder, are gone soon after this process is.
    package static func guardUntilExit(_ folder: String) throws { try Watchdog.start(guarding: folder) }

    // MARK: Databases

    /// Runs the body with a fresh database: an exact copy of a template that is migrated once a process.
    ///
    /// - Parameters:
    ///   - template: names what `migrate` makes; different migrations need different names.
    ///   - migrate: fills the template at the URL and closes its connections. PostgreSQL copies no database in use.
    ///   - body: gets the URL. The database is dropped afterwards, also with connections open.
    nonisolated package func withDatabase<Result: Sendable>(
        template: String = "template",
        migrate: @escaping @Sendable (String) async throws -> Void = { _ in },
        _ body: (String) async throws -> Result
    ) async throws -> Result {
        let stack = try await stack()
        let source = "template_\(getpid())_\(template)"
        try await prepare(source, on: stack, migrate)
        let name = await freshName()
        _ = try await stack.query("CREATE DATABASE \"\(name)\" TEMPLATE \"\(source)\"")
        return try await cleaningUp {
            try await body(stack.databaseURL(database: name))
        } with: {
            _ = try await stack.query("DROP DATABASE IF EXISTS \"\(name)\" WITH (FORCE)")
        }
    }

    private func prepare(
        _ template: String,
        on stack: Stack,
        _ migrate: @escaping @Sendable (String) async throws -> Void
    ) async throws {
        if let known = templates[template] { return try await known.value }
        let task = Task {
            _ = try await stack.query("DROP DATABASE IF EXISTS \"\(template)\" WITH (FORCE)")
            _ = try await stack.query("CREATE DATABASE \"\(template)\"")
            try await migrate(stack.databaseURL(database: template))
        }
        templates[template] = task
        try await task.value
    }

    // MARK: Virtual hosts

    /// Runs the body with the AMQP URL of a fresh virtual host, deleted afterwards with all its queues.
    nonisolated package func withVirtualHost<Result: Sendable>(
        _ body: (String) async throws -> Result
    ) async throws -> Result {
        let stack = try await stack()
        let name = await freshName()
        _ = try await stack.evaluate(
            """
            rabbit_vhost:add(<<"\(name)">>, <<"moose">>),
            rabbit_auth_backend_internal:set_permissions(<<"moose">>, <<"\(name)">>, <<".*">>, <<".*">>, <<".*">>, <<"moose">>).
            """
        )
        return try await cleaningUp {
            try await body(stack.amqpURL(virtualHost: name))
        } with: {
            _ = try await stack.evaluate("rabbit_vhost:delete(<<\"\(name)\">>, <<\"moose\">>).")
        }
    }

    /// A fresh virtual host as its owner has it, and as a user who may do there what these patterns match.
    nonisolated package func withUser<Result: Sendable>(
        configure: String = "^$", write: String = ".*", read: String = ".*",
        _ body: (_ ownerURL: String, _ userURL: String) async throws -> Result
    ) async throws -> Result {
        let stack = try await stack()
        let name = await freshName()
        return try await withVirtualHost { ownerURL in
            let place = ownerURL.split(separator: "@")[1]
            let virtualHost = place.split(separator: "/")[1]
            _ = try await stack.evaluate(
                """
                rabbit_auth_backend_internal:add_user(<<"\(name)">>, <<"secret">>, <<"moose">>),
                rabbit_auth_backend_internal:set_permissions(<<"\(name)">>, <<"\(virtualHost)">>,
                    <<"\(configure)">>, <<"\(write)">>, <<"\(read)">>, <<"moose">>).
                """)
            return try await cleaningUp {
                try await body(ownerURL, "amqp://\(name):secret@\(place)")
            } with: {
                _ = try await stack.evaluate(
                    "rabbit_auth_backend_internal:delete_user(<<\"\(name)\">>, <<\"moose\">>).")
            }
        }
    }

    /// A fresh, empty database and a fresh virtual host together.
    nonisolated package func withBoth<Result: Sendable>(
        _ body: (_ amqpURL: String, _ databaseURL: String) async throws -> Result
    ) async throws -> Result {
        try await withVirtualHost { amqpURL in
            try await withDatabase { databaseURL in
                try await body(amqpURL, databaseURL)
            }
        }
    }

    private func freshName() -> String {
        count += 1
        return "test_\(getpid())_\(count)"
    }

    /// The clean-up runs also when the body fails or is cancelled, and never hides the body's error.
    nonisolated private func cleaningUp<Result: Sendable>(
        _ body: () async throws -> Result,
        with cleanUp: @escaping @Sendable () async throws -> Void
    ) async throws -> Result {
        let result: Result
        do {
            result = try await body()
        } catch {
            // The error of the test is the one to show; what remains goes with the stack.
            try? await Task { try await cleanUp() }.value
            throw error
        }
        try await Task { try await cleanUp() }.value
        return result
    }
}
