import Testing

@testable import Settings

@Suite struct ValueTests {
    @Test(arguments: [
        ("0", 0), ("1", 1_000_000), ("0.05", 50_000), ("1.2345", 1_234_500), ("0.000001", 1), ("0.0000001", 1),
        ("0.1234560", 123_456), ("0.1234561", 123_457), ("007", 7_000_000), ("9223372036854.775807", Int64.max),
    ])
    func `money is exact and rounded up past six places`(text: String, expected: Int64) throws {
        #expect(try DecimalText.millionths(text) == expected)
    }

    @Test(arguments: ["", ".", "1.", ".5", "-1", "+1", "1e3", "1_000", "1,5", "1.2.3", " 1", "nan", "٣"])
    func `what isn't plain digits is no money`(text: String) {
        #expect(throws: DecimalText.Failure.malformed) { try DecimalText.millionths(text) }
    }

    @Test(arguments: ["9223372036854.775808", "9223372036854.7758071", "99999999999999999999999"])
    func `money past the range is refused, never wrapped`(text: String) {
        #expect(throws: DecimalText.Failure.tooLarge) { try DecimalText.millionths(text) }
    }

    @Test(arguments: [
        (0, "0"), (1, "0.000001"), (1_500_000, "1.5"), (-50_000, "-0.05"), (Int64.min, "-9223372036854.775808"),
    ])
    func `an amount prints as its shortest text`(value: Int64, expected: String) {
        #expect(DecimalText.text(millionths: value) == expected)
    }

    @Test(arguments: [
        ("amqp://guest:guest@h:1/%2F", "amqp://guest:***@h:1/%2F"),
        ("amqp://h/v", "amqp://h/v"),
        ("amqp://u:p@h1:1,h2,[::1]:3/v", "amqp://u:***@h1:1,h2,[::1]:3/v"),
        ("amqp://u:p@ss@h/v", "amqp://***"),
        ("amqp://u:p/w@h/v", "amqp://***"),
        ("amqps://u:p@h/v?password=x&heartbeat=5", "amqps://u:***@h/v?password=***"),
        ("https://token@h/p", "https://***@h/p"),
        ("https://h/@me?api_key=x&mail=a@b", "https://h/@me?***"),
        ("postgresql://u@h/d?sslmode=require&password=x", "postgresql://u@h/d?sslmode=require&password=***"),
        ("https://h/p?api_key=x&n=1&sig=", "https://h/p?***"),
        ("http://h/?pwd=x&code=x", "http://h/?***"), ("http://h/#access_token=x", "http://h/#***"),
        ("http://h/p?x", "http://h/p?***"), ("http://h:1/p", "http://h:1/p"), ("https://to/ken@h/p", "https://***"),
        ("https://token@h/@me", "https://***"), ("https://tok?en@h", "https://***"),
        ("postgresql://u@h/d?pwd=x&sslmode=require", "postgresql://u@h/d?pwd=***"),
        ("postgresql://u@h/d?sslmode=require&x", "postgresql://u@h/d?sslmode=require&***"),
        ("amqp://u%3Ax@h/v", "amqp://***@h/v"), ("amqp://u%253Ax@h/v", "amqp://***@h/v"),
        ("postgresql://u%3ax@h/d", "postgresql://***@h/d"), ("amqp://u%3Ax:y@h/v", "amqp://***:***@h/v"),
        ("postgresql://u%40tenant:x@h/d", "postgresql://u%40tenant:***@h/d"), ("amqp://u%3Ax@y@h/v", "amqp://***"),
        ("amqp://h/v#x", "amqp://h/v#***"), ("amqp://h/v?heartbeat=5#x", "amqp://h/v?heartbeat=***"),
        ("host=h password=x", "***"),
    ])
    func `a shown URL keeps its place and loses its password`(url: String, expected: String) {
        #expect(ConnectionURL.redacted(url) == expected)
    }

    @Test(arguments: [
        "postgresql:///moose?host=/run/postgresql", "postgresql://", "postgres://a:1,b:2/moose",
        "postgresql://u:p@[::1]:5432/m", "postgresql://u:p%40w@a,b/moose?options=-c%20x%3Dy",
    ])
    func `every form of URL libpq takes is taken`(url: String) {
        #expect(URLRole.database.flaw(in: url) == nil)
    }

    @Test(
        arguments: [
            ("500MB", 500_000_000), ("500 MB", 500_000_000), ("1GiB", 1 << 30), ("64MiB", 1 << 26),
            ("16000000", 16_000_000),
            ("20000kB", 20_000_000), ("16000GB", 16_000_000_000_000),
        ] as [(String, Int64)])
    func `memory is written with its unit`(text: String, bytes: Int64) {
        #expect(ByteSize.parse(text) == bytes)
        #expect(ByteSize.parse(ByteSize.text(bytes)) == bytes)
    }

    @Test(arguments: ["", "MB", "-1GB", "1.5GB", "15MB", "16001GB", "99999999999999999999GB", "5 potatoes", "٥00MB"])
    func `what is no amount of memory is refused`(text: String) {
        #expect(ByteSize.parse(text) == nil)
    }

    @Test func `a typing slip finds its word and a foreign word finds none`() {
        let known = ["timeout_seconds", "free", "http"]
        #expect(Spelling.suggestion(for: "timeuot_seconds", among: known) == "timeout_seconds")
        #expect(Spelling.suggestion(for: "Free", among: known) == "free")
        #expect(Spelling.suggestion(for: "fr", among: known) == nil)
        #expect(Spelling.suggestion(for: "budget", among: known) == nil)
        #expect(Spelling.suggestion(for: "", among: known) == nil)
    }
}
