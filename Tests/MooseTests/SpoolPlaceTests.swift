import AMQP
import Testing

@testable import Moose

struct SpoolPlaceTests {
    @Test func `brokers never share a folder`() throws {
        let urls = [
            "amqp://u:p@host/a", "amqp://u:p@host/b", "amqp://u:p@host:5673/a", "amqp://u:p@host.b/a",
            "amqp://u:p@host/%2F", "amqp://u:p@host/a_b", "amqp://u:p@host/a%2Fb", "amqp://u:p@host/a%255fb",
            "amqp://u:p@[::1]/a",
        ]
        let names = try urls.map { SpoolPlace.name(of: try AMQPConfiguration(url: $0)) }
        #expect(Set(names).count == urls.count)
        #expect(names.allSatisfy { !$0.contains("/") && !$0.contains(":") })
        #expect(names[0] == "host_5672_a")
        // Who logs in doesn't matter: the messages are for the same place.
        #expect(try SpoolPlace.name(of: AMQPConfiguration(url: "amqp://other:q@host/a")) == names[0])
    }

    @Test func `without a setting the user's state folder is taken`() {
        #expect(SpoolPlace.stateFolder(environment: ["XDG_STATE_HOME": "/s", "HOME": "/h"]) == "/s/moose/spool")
        #expect(SpoolPlace.stateFolder(environment: ["HOME": "/h"]) == "/h/.local/state/moose/spool")
        #expect(SpoolPlace.stateFolder(environment: ["HOME": "relative"]) == "/var/tmp/moose-spool")
    }
}
