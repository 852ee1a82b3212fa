import Testing

@testable import AMQP

struct FrameReaderTests {
    private static func frame(_ type: UInt8, _ channel: UInt16, _ payload: [UInt8], end: UInt8 = 0xce) -> [UInt8] {
        [type] + FieldCoding.bigEndian(channel) + FieldCoding.bigEndian(UInt32(payload.count)) + payload + [end]
    }

    private static func feed(_ chunks: [[UInt8]], into reader: FrameReader) throws(AMQPError) -> [String] {
        var seen: [String] = []
        for chunk in chunks {
            var failure: AMQPError?
            unsafe chunk.withUnsafeBytes { bytes in
                do throws(AMQPError) {
                    try unsafe reader.feed(bytes) { channel, frame in
                        switch frame {
                        case .body(let bytes): seen.append("\(channel) body \(bytes.count)")
                        case .header(let size, let wire): seen.append("\(channel) header \(size) \(wire.bytes.count)")
                        case .confirm(let sequence, let multiple, let isAck):
                            seen.append("\(channel) confirm \(sequence) \(multiple) \(isAck)")
                        case .heartbeat: seen.append("\(channel) heartbeat")
                        default: seen.append("\(channel) other")
                        }
                    }
                } catch {
                    failure = error
                }
            }
            if let failure { throw failure }
        }
        return seen
    }

    private static let stream: [UInt8] = {
        let ack = FieldCoding.bigEndian(UInt32(0x3c_0050)) + FieldCoding.bigEndian(UInt64(9)) + [1]
        let header = [0, 60, 0, 0] + FieldCoding.bigEndian(UInt64(3)) + [0x10, 0, 2]
        return frame(8, 0, []) + frame(1, 1, ack) + frame(2, 3, header) + frame(3, 3, [1, 2, 3])
    }()
    private static let wanted = ["0 heartbeat", "1 confirm 9 true true", "3 header 3 3", "3 body 3"]

    @Test func `frames come out the same however the socket cuts them`() throws {
        for size in 1...Self.stream.count {
            let chunks = stride(from: 0, to: Self.stream.count, by: size).map {
                Array(Self.stream[$0..<min($0 + size, Self.stream.count)])
            }
            #expect(try Self.feed(chunks, into: FrameReader(frameMax: 131_072)) == Self.wanted, "pieces of \(size)")
        }
    }

    @Test(arguments: [
        frame(3, 1, [1], end: 0), frame(3, 1, [UInt8](repeating: 0, count: 4089)), frame(1, 1, [0]),
        frame(2, 1, [0, 60]),
        frame(1, 1, [0, 60, 0, 80, 1]),
    ]) func `what is no AMQP ends the connection and nothing else`(_ bytes: [UInt8]) {
        #expect(throws: AMQPError.self) { try Self.feed([bytes], into: FrameReader(frameMax: 4096)) }
    }
}
