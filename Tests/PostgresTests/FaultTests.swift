import Testing

@testable import Postgres

@Suite struct `Who is to blame for an error` {
    /// Every class of the manual's appendix A, and what is apart from its class.
    private static let expected: [PostgresFault: [String]] = [
        .away: [
            "08000", "08001", "08003", "08004", "08006", "08007", "08P01", "25006", "25P03", "26000", "28000", "28P01",
            "3D000", "42P05", "57P03", "57P04", "57P05", "58000", "58030", "58P01", "58P02", "F0000",
            "F0001",
        ],
        .starved: ["53000", "53100", "53200", "53300", "53400"],
        .contention: ["40000", "40001", "40002", "40003", "40P01", "55P03", "55006", "72000"],
        .item: [
            "21000", "22000", "22001", "22003", "22021", "22023", "22P02", "22P05", "23000", "23502", "23503", "23505",
            "23514", "23P01", "27000", "2F000", "2F005", "38000", "39000", "44000", "54000", "54001", "54011", "54023",
            "P0001", "P0002", "P0003", "P0004", "MS001", "MS006",
        ],
        .unclear: [
            "00000", "01000", "02000", "03000", "09000", "0A000", "0B000", "0F000", "0L000", "0P000", "0Z000", "20000",
            "24000", "25000", "25001", "25P01", "25P02", "25P04", "2B000", "2D000", "34000", "3B000", "3F000", "42000",
            "42501", "42601", "42703", "42883", "42P01", "42P07", "55000", "57000", "57014", "57P01", "57P02", "F1000",
            "HV000", "XX000",
            "XX001", "XX002", "ZZ999", "", "MS003",
        ],
    ]

    @Test(arguments: PostgresFault.allCases)
    func `is told by its code`(_ fault: PostgresFault) throws {
        for code in try #require(Self.expected[fault]) {
            #expect(PostgresFault(sqlState: code) == fault, "\(code)")
            let error = PostgresError.server(ServerError(sqlState: code, message: "no"))
            #expect(error.fault == fault)
            #expect(error.isDataFault == (fault == .item))
        }
    }

    @Test func `is told by what became of the connection`() {
        #expect(PostgresError.connectionLost(reason: "", outcomeUnknown: false).fault == .away)
        // It may have been the statement that broke it.
        #expect(PostgresError.connectionLost(reason: "", outcomeUnknown: true).fault == .unclear)
        let others: [PostgresError] = [
            .invalidConfiguration(reason: ""), .unreachable(reason: ""), .authenticationFailed(reason: ""),
            .databaseMissing(reason: ""), .timeout(reason: ""), .cancelled(wasSent: true), .closed,
        ]
        for error in others { #expect(error.fault == .away, "\(error)") }
        #expect(PostgresError.transactionAborted.fault == .unclear)
        #expect(PostgresError.decoding(column: "a", row: 0, fault: .unexpectedNull).fault == .unclear)
    }

    @Test func `what may pass later is transient, what was refused is not`() {
        let transient = ["25006", "40001", "40P01", "53300", "55P03", "57014", "57P01", "57P03", "08006"]
        for code in transient {
            #expect(PostgresError.server(ServerError(sqlState: code, message: "")).isTransient, "\(code)")
        }
        for code in ["22P02", "23505", "42501", "54000", "XX000"] {
            #expect(!PostgresError.server(ServerError(sqlState: code, message: "")).isTransient, "\(code)")
        }
    }
}
