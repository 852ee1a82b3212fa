import Testing

@testable import Settings

/// Where a role serves HTTP, as people write it.
struct ListenAddressTests {
    @Test(arguments: [
        ("9100", "127.0.0.1", 9100), ("0", "127.0.0.1", 0), ("127.0.0.1:9100", "127.0.0.1", 9100),
        ("0.0.0.0:65535", "0.0.0.0", 65_535), ("\"[::1]:9100\"", "::1", 9100), ("\"[::]:80\"", "::", 80),
        ("192.0.2.7:0", "192.0.2.7", 0),
    ])
    func `an address and a port, or a port alone, is taken, and shown so that it reads back`(
        written: String, host: String, port: Int
    ) throws {
        let settings = try Settings.parse("worker: {listen: \(written)}", file: "moose.yaml", environment: [:])
        #expect(settings.worker.listen.host == host && settings.worker.listen.port == port)
        let again = try Settings.parse(settings.description, file: "moose.yaml", environment: [:])
        #expect(again.worker.listen == settings.worker.listen)
    }

    @Test(arguments: [
        ("127.0.0.1", "should be an address and a port"), ("\":9100\"", "should be an address and a port"),
        ("\"[::1]\"", "should be an address and a port"), ("http://127.0.0.1:9100", "should be an address and a port"),
        ("-1", "should be an address and a port"), ("\"[127.0.0.1]:9100\"", "names no address"),
        ("localhost:9100", "write 127.0.0.1 for localhost"), ("\"*:9100\"", "0.0.0.0 for every address"),
        ("127.0.0.256:9100", "names no address"), ("\"::1\"", "write it as [::1]:9100"),
        ("\"::1:9100\"", "write it as [::1]:9100"), ("\"fe80::1:9100\"", "write it as [::1]:9100"),
        ("65536", "from 0 to 65535"), ("127.0.0.1:65536", "from 0 to 65535"), ("\"127.0.0.1:\"", "from 0 to 65535"),
        ("127.0.0.1:+1", "from 0 to 65535"), ("\"[::1]:http\"", "from 0 to 65535"),
        ("[9100]", "should be an address and a port, not a list"),
    ])
    func `anything else is named with its place and what it should be`(written: String, words: String) {
        let found = problems(in: "worker:\n  listen: \(written)")
        #expect(found.count == 1 && found[0].hasPrefix("moose.yaml:2:11: worker.listen "), "\(found)")
        #expect(found.contains { $0.contains(words) }, "\(found)")
    }

    @Test func `the name of an earlier release is read, and not beside today's`() throws {
        let settings = try Settings.parse("worker: {http_port: 9100}", file: "moose.yaml", environment: [:])
        #expect(settings.worker.listen == ListenAddress(port: 9100))
        #expect(settings.description.contains("listen: \"127.0.0.1:9100\""))
        let both = problems(in: "worker:\n  listen: 9100\n  http_port: 9100")
        #expect(both.count == 1 && both[0].hasPrefix("moose.yaml:3:14: worker.http_port says the same"), "\(both)")
    }
}
