import Testing

@testable import AMQP

@Suite struct ConfigurationTests {
    @Test func `a bare host gets every default`() throws {
        let configuration = try AMQPConfiguration(url: "amqp://localhost")
        #expect(configuration.addresses == [BrokerAddress(host: "localhost", port: 5672)])
        #expect(configuration.user == "guest")
        #expect(configuration.password == "guest")
        #expect(configuration.virtualHost == "/")
        #expect(configuration.tls == nil)
        #expect(configuration.heartbeat == .seconds(15))
    }

    @Test func `every part is percent-decoded`() throws {
        let configuration = try AMQPConfiguration(
            url:
                "amqps://us%40er:p%3A%2F%40ss@broker.example:5999/team%2Fa?heartbeat=20&connection_timeout=1500&cacertfile=%2Fca.pem"
        )
        #expect(configuration.tls?.verifies == true)
        #expect(configuration.user == "us@er")
        #expect(configuration.password == "p:/@ss")
        #expect(configuration.addresses == [BrokerAddress(host: "broker.example", port: 5999)])
        #expect(configuration.virtualHost == "team/a")
        #expect(configuration.heartbeat == .seconds(20))
        #expect(configuration.connectTimeout == .milliseconds(1500))
        #expect(configuration.tls?.authorities == "/ca.pem")
    }

    @Test func `TLS has its own port, and an address may stand in brackets`() throws {
        #expect(try AMQPConfiguration(url: "amqps://h/").addresses.map(\.port) == [5671])
        let configuration = try AMQPConfiguration(url: "amqp://a:b@[::1]:5673/%2F")
        #expect(configuration.addresses == [BrokerAddress(host: "::1", port: 5673)])
        #expect(configuration.virtualHost == "/")
    }

    @Test(arguments: [
        "http://h", "amqp://", "amqp://h:0", "amqp://h:99999", "amqp://h:x", "amqp://h/a/b", "amqp://secret%zz@h",
        "amqp://u:secret@h:70000", "amqp://u:secret%4@h", "amqp://u:secret@h?heartbeat=0", "amqp://[::1",
        "amqp://h/%FF",
        "amqp://u:secret%00@h", "amqp://u:secret @h", "amqp://u:p@secret@h", "amqp://u:p/secret@h",
        "amqp://u:p?secret@h",
        "amqp://u:p#secret@h", "amqp://u:secret@h?x=secret", "amqp://u:secret@h?secret%2F=1", "amqp://u:secret@h,",
        "amqp://u:secret@h1/v,amqp://u:secret@h2/v", "amqp://u:secret@h?heartbeat=5&heartbeat=6",
        "amqp://u:secret@h?heartbeat=", "amqp://u:secret@h?cacertfile=/ca.pem", "amqps://u:secret@h?verify=no",
        "amqps://u:secret@h?certfile=/c.pem", "amqps://u:secret@h?password=secret", "amqp://u:secret%+1@h",
    ])
    func `an unusable URL is refused without showing the password`(url: String) {
        let error = #expect(throws: AMQPError.self) { try AMQPConfiguration(url: url) }
        #expect(error?.description.contains("secret") == false)
    }

    @Test func `several hosts are read, each with its own port or the usual one`() throws {
        let configuration = try AMQPConfiguration(url: "amqp://u:p@h1:5673,h2,[::1]:5674,h2/v?heartbeat=5")
        #expect(
            configuration.addresses == [
                BrokerAddress(host: "h1", port: 5673), BrokerAddress(host: "h2", port: 5672),
                BrokerAddress(host: "::1", port: 5674),
            ])
        #expect("\(configuration)" == "amqp://u:***@h1:5673,h2:5672,[::1]:5674/v")
        #expect(try AMQPConfiguration(url: "amqps://h1,h2:5999").addresses.map(\.port) == [5671, 5999])
    }

    @Test(arguments: ["heartbeats", "frame_max", "auth_mechanism", "ssl_options", "Heartbeat"])
    func `an option that isn't supported is named, with those that are`(option: String) {
        let error = #expect(throws: AMQPError.self) { try AMQPConfiguration(url: "amqp://h?heartbeat=5&\(option)=1") }
        for words in ["the option \(option) isn't supported", "heartbeat, connection_timeout, cacertfile"] {
            #expect(error?.description.contains(words) == true)
        }
    }

    @Test(arguments: [
        "amqps://u:a@h/v?password=Zquork&Wxylo", "amqps://u:a@h/v?password=Zquork&Wxylo=1", "amqps://h?Wxylo",
        "amqps://u:a@h/v?heartbeat=5&password=Zquork&verify=verify_peer&Wxylo=", "amqp://u:Zquork?Wxylo=1",
        "amqps://u:a@h/v?pass%77ord=Zquork&Wxylo=1", "amqps://u:a@h/v?password=Zquork&heartbeat=Wxylo",
        "amqp://u:a@h/v?password=Zquork&Wxylo", "amqps://u:a@h/v?passwort=Zquork&Wxylo",
    ])
    func `no piece of a password is told as an option`(url: String) {
        let error = #expect(throws: AMQPError.self) { try AMQPConfiguration(url: url) }
        let words = error?.description ?? ""
        for piece in ["Zquork", "Wxylo"] { #expect(!words.contains(piece), "\(words)") }
    }

    @Test func `an option behind a password has a hint instead of its name`() {
        let error = #expect(throws: AMQPError.self) { try AMQPConfiguration(url: "amqps://h?password=a&frame_max=1") }
        #expect(error?.description.contains("an option isn't supported; these are: heartbeat") == true)
        #expect(error?.description.contains("write %26 for &") == true)
    }

    @Test(arguments: ["u%3AHunterzz@h", "u%3AHunterzz:x@h", "u%253AHunterzz@h"])
    func `a user that is a user and a password is not shown`(rest: String) throws {
        let configuration = try AMQPConfiguration(url: "amqp://\(rest)")
        #expect("\(configuration)" == "amqp://***:***@h:5672/%2F")
    }

    @Test func `what keeps a URL from meaning what it says is named`() {
        for (url, words) in [
            ("amqp://h?cacertfile=/ca.pem", "cacertfile needs TLS"), ("amqps://h?keyfile=/k.pem", "belong together"),
            ("amqps://h?verify=maybe", "verify_peer or verify_none"), ("amqp://u:a@b@h", "%40"),
            ("amqp://h1/v,amqp://h2/v", "further hosts after a comma"), ("amqp://h?heartbeat=1&heartbeat=2", "twice"),
        ] {
            let error = #expect(throws: AMQPError.self) { try AMQPConfiguration(url: url) }
            #expect(error?.description.contains(words) == true, "\(url): \(error?.description ?? "")")
        }
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
