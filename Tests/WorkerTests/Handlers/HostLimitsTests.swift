import Testing

@testable import Worker

/// What a worker wants of its machine before it starts.
struct HostLimitsTests {
    /// Counted in a worker without work, on a machine with two processors.
    private static let idle = 43

    @Test(arguments: [1, 3, 10, 100, 1000])
    func `a limit that is enough at the start is enough for the last slot, too`(slots: Int) {
        let limit = HostLimits.files(slots: slots, commands: true, open: 10, loops: 2)
        // As `FileReserve.hasRoom` will ask when all other slots run a command, or start one.
        let starting = min(slots, FileReserve.turns) - 1
        let open = Self.idle + FileReserve.perStart * starting + 2 * (slots - 1 - starting)
        #expect(limit >= open + FileReserve.least)
    }

    @Test func `each processor and each file that was handed over takes some more`() {
        let least = HostLimits.files(slots: 1, commands: false, open: 3, loops: 1)
        #expect(HostLimits.files(slots: 1, commands: false, open: 3, loops: 65) == least + 3 * 64)
        #expect(HostLimits.files(slots: 1, commands: false, open: 16, loops: 1) == least)
        #expect(HostLimits.files(slots: 1, commands: false, open: 116, loops: 1) == least + 100)
        #expect(HostLimits.files(slots: 2, commands: true, open: 3, loops: 1) == least + 15)
    }

    @Test func `the files that are open are counted`() throws {
        #expect(try #require(FileReserve.openFiles) >= 3)
    }
}
