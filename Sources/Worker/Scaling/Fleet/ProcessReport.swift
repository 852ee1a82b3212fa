internal import FoundationEssentials

/// What a supervised process tells its parent every second, as one line of JSON on its standard output.
package struct ProcessReport: Codable, Sendable, Equatable {
    /// One lane in this process.
    package struct Lane: Codable, Sendable, Equatable {
        package var running: Int
        package var slots: Int
        /// Delivered by the broker and not claimed yet: on no other count.
        package var waiting: Int

        package init(running: Int, slots: Int, waiting: Int) {
            self.running = running
            self.slots = slots
            self.waiting = waiting
        }
    }

    /// The port of its probes on 127.0.0.1.
    package var port: Int
    /// Whether it takes work.
    package var ready: Bool
    /// Why work can't go on just now; nil while all is well.
    package var trouble: String?
    /// Memory held in RAM, in bytes.
    package var residentBytes: Int64
    /// How old the orders were that it claimed lately; nil when it claimed none.
    package var claimedAge: Double?
    package var lanes: [String: Lane]

    package init(
        port: Int, ready: Bool, trouble: String? = nil, residentBytes: Int64 = 0, claimedAge: Double? = nil,
        lanes: [String: Lane] = [:]
    ) {
        self.port = port
        self.ready = ready
        self.trouble = trouble
        self.residentBytes = residentBytes
        self.claimedAge = claimedAge
        self.lanes = lanes
    }

    /// Jobs that run in it.
    package var running: Int { lanes.values.reduce(0) { $0 + $1.running } }

    /// Reads a line; nil for anything else a process may print.
    init?(line: String) {
        guard line.hasPrefix("{"), let report = try? JSONDecoder().decode(Self.self, from: Data(line.utf8)) else {
            return nil
        }
        self = report
    }

    /// The report as a line.
    func line() throws -> [UInt8] { try Array(JSONEncoder().encode(self)) + [UInt8(ascii: "\n")] }
}
