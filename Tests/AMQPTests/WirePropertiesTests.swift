import IOThread
import TestSupport
import Testing

@testable import AMQP

struct WirePropertiesTests {
    private static let everything: MessageProperties = {
        var properties = MessageProperties(
            messageID: "m", contentType: "application/json", type: "t", appID: "a", correlationID: "c", replyTo: "r",
            timestamp: 7, deliveryMode: .transient,
            headers: [
                "text": "ü", "number": 5, "flag": true, "double": .double(2), "bytes": .bytes([0, 255]),
                "time": .timestamp(9), "nothing": .void, "list": .array([1, "a", .array([])]),
                "table": .table(["x": .table([:])]), "decimal": .decimal(scale: 2, -314),
                "!escaped:\\x00": "!escaped:\\xff",
            ])
        properties.contentEncoding = "gzip"
        properties.priority = 3
        properties.expiration = "1000"
        properties.userID = "u"
        properties.clusterID = "k"
        return properties
    }()

    /// One header `h`, so many tables or arrays inside of one another.
    static func nested(_ levels: Int, kinds: [UInt8] = [UInt8(ascii: "F")]) -> WireProperties {
        var value: [UInt8] = [UInt8(ascii: "V")]
        for level in 0..<levels {
            let kind = kinds[level % kinds.count]
            let content = kind == UInt8(ascii: "F") ? [0] + value.reversed().reversed() : value
            value = [kind] + FieldCoding.bigEndian(UInt32(content.count)) + content
        }
        return headers([1, UInt8(ascii: "h")] + value)
    }

    /// The deepest that one frame can hold, without building each level from the one inside.
    static func deepest(tables: Bool) -> WireProperties {
        let unit = tables ? 6 : 5
        let levels = 131_000 / unit
        var value: [UInt8] = []
        value.reserveCapacity(levels * unit + 1)
        for level in 0..<levels {
            let rest = (levels - level - 1) * unit + 1 + (tables ? 1 : 0)
            value += [UInt8(ascii: tables ? "F" : "A")] + FieldCoding.bigEndian(UInt32(rest))
            if tables { value.append(0) }
        }
        return headers([1, UInt8(ascii: "h")] + value + [UInt8(ascii: "V")])
    }

    static func headers(_ entries: [UInt8]) -> WireProperties {
        WireProperties(bytes: [0x20, 0x00] + FieldCoding.bigEndian(UInt32(entries.count)) + entries)
    }

    @Test func `every property and every type of header is read as it was written`() throws {
        let wire = try #require(WireProperties(Self.everything))
        #expect(wire.readable == Self.everything)
        #expect(WireProperties(wire.readable).map { $0.bytes.count } == wire.bytes.count)
    }

    @Test func `a text of more than 255 bytes is refused, one of 255 strange bytes is not`() {
        var properties = MessageProperties(messageID: String(repeating: "x", count: 256))
        #expect(WireProperties(properties) == nil)
        properties.messageID = WireText.text([UInt8](repeating: 0, count: 255))
        #expect(WireProperties(properties) != nil)
        properties.headers[String(repeating: "k", count: 256)] = 1
        #expect(WireProperties(properties) == nil)
    }

    @Test func `what travels on is what came, but for the headers that stay behind, the user and the id`() throws {
        var came = Self.everything
        came.headers["x-death"] = .array([.table(["queue": "q"])])
        let wire = try #require(WireProperties(came))
        let sent = try #require(
            wire.forwarded(without: { $0.hasPrefix("x-death") }, adding: ["mark": "1"], messageID: "other"))
        var wanted = Self.everything
        wanted.userID = nil
        wanted.messageID = "other"
        wanted.headers["mark"] = "1"
        #expect(sent.readable == wanted)
    }

    @Test func `types that reading levels out travel on as they came`() throws {
        // A float, a short, an unsigned long over the signed ones, a decimal, a byte, two entries of one name.
        let entries: [UInt8] =
            [1, 0x61, 0x66, 0x3f, 0xc0, 0, 0] + [1, 0x62, 0x73, 0xff, 0xfe] + [1, 0x63, 0x4c]
            + [UInt8](repeating: 0xff, count: 8) + [1, 0x64, 0x44, 2, 0, 0, 1, 0x3a] + [1, 0x65, 0x62, 0xfb]
            + [1, 0x66, 0x74, 1, 1, 0x66, 0x74, 0]
        let wire = Self.headers(entries)
        #expect(
            wire.readable.headers == [
                "a": .double(1.5), "b": -2, "c": .encoded([0x4c] + [UInt8](repeating: 0xff, count: 8)),
                "d": .decimal(scale: 2, 314), "e": -5, "f": false,
            ])
        #expect(wire.forwarded(without: { _ in false }) == wire)
    }

    @Test(arguments: [true, false]) func `the deepest header of a frame is passed by, sent on and told apart`(
        _ tables: Bool
    ) throws {
        let wire = Self.deepest(tables: tables)
        #expect(wire.bytes.count > 130_000)
        var depth = 0
        var value = try #require(wire.readable.headers["h"])
        while true {
            if case .table(let inner) = value, let next = inner[""] {
                value = next
            } else if case .array(let items) = value,
                let next = items.first
            {
                value = next
            } else {
                break
            }
            depth += 1
        }
        #expect(depth == FieldCoding.depthLimit - 1)
        guard case .encoded = value else {
            Issue.record("not left as it is: \(value)")
            return
        }
        let sent = try #require(wire.forwarded(without: { _ in false }, adding: ["mark": 1]))
        #expect(sent.forwarded(without: { $0 == "mark" }) == wire)
        #expect(wire.digest(bodyDigest: []) != Self.deepest(tables: !tables).digest(bodyDigest: []))
    }

    @Test(arguments: [true, false]) func `under TLS the library's reader has stack for the deepest header of a frame`(
        _ tables: Bool
    ) async throws {
        let wire = Self.deepest(tables: tables)
        let isRead = try await withCheckedThrowingContinuation { (result: CheckedContinuation<Bool, any Error>) in
            do {
                try IOThread(name: "deep", stackBytes: Session.stackBytes) {
                    let arena = WireArena()
                    result.resume(returning: unsafe arena.properties(wire) != nil)
                }.detach()
            } catch {
                result.resume(throwing: error)
            }
        }
        #expect(isRead)
    }

    @Test func `the broker's count of deliveries, and its sorting, make no other message`() throws {
        let digest = try #require(WireProperties(MessageProperties(headers: ["b": 1, "a": 2]))).digest(bodyDigest: [1])
        for headers: FieldTable in [["a": 2, "b": 1, "x-delivery-count": 3], ["b": 1, "a": 2]] {
            #expect(try #require(WireProperties(MessageProperties(headers: headers))).digest(bodyDigest: [1]) == digest)
        }
        for other in [
            MessageProperties(headers: ["b": 1, "a": 3]), MessageProperties(messageID: "x", headers: ["b": 1]),
        ] {
            #expect(try #require(WireProperties(other)).digest(bodyDigest: [1]) != digest)
        }
        let bare = try #require(WireProperties(MessageProperties()))
        let counted = try #require(WireProperties(MessageProperties(headers: ["x-delivery-count": 1])))
        #expect(bare.digest(bodyDigest: []) == counted.digest(bodyDigest: []))
    }

    @Test func `broken bytes are read as far as that goes, kept, and never sent on half`() throws {
        var generator = SplitMix64(seed: 20_262)
        let good = try #require(WireProperties(Self.everything)).bytes
        for _ in 0..<20_000 {
            var bytes = good
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                bytes[Int.random(in: 0..<bytes.count, using: &generator)] = .random(in: 0...255, using: &generator)
            }
            bytes.removeLast(Int.random(in: 0...bytes.count / 2, using: &generator))
            let wire = WireProperties(bytes: bytes)
            #expect(wire.bytes == bytes)
            // Whatever it is, none of these ends the process, and what is sent on can be read.
            _ = (wire.readable, wire.digest(bodyDigest: []))
            if let sent = wire.forwarded(without: { $0 == "list" }, adding: ["mark": 1]) {
                #expect(sent.readable.headers["mark"] == 1)
            }
        }
    }
}
