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

    @Test func `the hosts of one broker share a folder in any order, and its name stays short`() throws {
        let names = try ["amqp://u:p@b,a:5673/v", "amqp://u:p@a:5673,b/v", "amqp://u:p@a,b/v"].map {
            SpoolPlace.name(of: try AMQPConfiguration(url: $0))
        }
        #expect(names[0] == "a_5673+b_5672_v" && names[1] == names[0] && names[2] != names[0])
        let hosts = (0..<20).map { "host-with-a-long-name-\($0).example" }
        let long = try AMQPConfiguration(url: "amqp://u:p@\(hosts.joined(separator: ","))/v")
        let other = try AMQPConfiguration(url: "amqp://u:p@\(hosts.joined(separator: ","))/w")
        #expect(SpoolPlace.name(of: long).utf8.count <= 200)
        #expect(SpoolPlace.name(of: long) != SpoolPlace.name(of: other))
    }

    @Test func `without a setting the user's state folder is taken`() {
        #expect(SpoolPlace.stateFolder(environment: ["XDG_STATE_HOME": "/s", "HOME": "/h"]) == "/s/moose/spool")
        #expect(SpoolPlace.stateFolder(environment: ["HOME": "/h"]) == "/h/.local/state/moose/spool")
        #expect(SpoolPlace.stateFolder(environment: ["HOME": "relative"]) == "/var/tmp/moose-spool")
    }
}
