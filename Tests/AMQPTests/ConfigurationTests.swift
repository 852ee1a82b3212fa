import Testing

@testable import AMQP

@Suite struct ConfigurationTests {
    @Test func `a bare host gets every default`() throws {
        let configuration = try AMQPConfiguration(url: "amqp://localhost")
        #expect(configuration.host == "localhost")
        #expect(configuration.port == 5672)
        #expect(configuration.user == "guest")
        #expect(configuration.password == "guest")
        #expect(configuration.virtualHost == "/")
        #expect(!configuration.usesTLS)
        #expect(configuration.heartbeat == .seconds(15))
    }

    @Test func `every part is percent-decoded`() throws {
        let configuration = try AMQPConfiguration(
            url:
                "amqps://us%40er:p%3A%2F%40ss@broker.example:5999/team%2Fa?heartbeat=20&connection_timeout=1500&cacertfile=%2Fca.pem"
        )
        #expect(configuration.usesTLS)
        #expect(configuration.user == "us@er")
        #expect(configuration.password == "p:/@ss")
        #expect(configuration.host == "broker.example")
        #expect(configuration.port == 5999)
        #expect(configuration.virtualHost == "team/a")
        #expect(configuration.heartbeat == .seconds(20))
        #expect(configuration.connectTimeout == .milliseconds(1500))
        #expect(configuration.certificateAuthorityFile == "/ca.pem")
    }

    @Test func `TLS has its own port, and an address may stand in brackets`() throws {
        #expect(try AMQPConfiguration(url: "amqps://h/").port == 5671)
        let configuration = try AMQPConfiguration(url: "amqp://a:b@[::1]:5673/%2F")
        #expect(configuration.host == "::1")
        #expect(configuration.port == 5673)
        #expect(configuration.virtualHost == "/")
    }

    @Test(arguments: [
        "http://h", "amqp://", "amqp://h:0", "amqp://h:99999", "amqp://h:x", "amqp://h/a/b", "amqp://secret%zz@h",
        "amqp://u:secret@h:70000", "amqp://u:secret%4@h", "amqp://u:secret@h?heartbeat=0", "amqp://[::1",
        "amqp://h/%FF",
        "amqp://u:secret%00@h", "amqp://u:secret @h",
    ])
    func `an unusable URL is refused without showing the password`(url: String) {
        let error = #expect(throws: AMQPError.self) { try AMQPConfiguration(url: url) }
        #expect(error?.description.contains("secret") == false)
    }

    @Test func `the description hides the password`() throws {
        let configuration = try AMQPConfiguration(url: "amqp://moose:secret@h/v")
        #expect("\(configuration)" == "amqp://moose:***@h:5672/v")
    }

    @Test func `a message that AMQP can't carry is named before anything is sent`() {
        let long = String(repeating: "k", count: 256)
        let message = OutgoingMessage(exchange: "", routingKey: long, body: [])
        #expect(
            message.defect(at: 3, maxBytes: 10)
                == .invalidMessage(index: 3, reason: "the routing key is longer than 255 bytes"))
        let large = OutgoingMessage(exchange: "", routingKey: "q", body: [UInt8](repeating: 0, count: 11))
        #expect(large.defect(at: 0, maxBytes: 10) == .messageTooLarge(index: 0, bytes: 11, limit: 10))
        #expect(large.defect(at: 0, maxBytes: 11) == nil)
    }
}
