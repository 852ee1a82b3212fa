/// One call of `moose.ledger_batch`.
struct Batch: Sendable {
    var moves: [Move] = []
    var reservations: [Reservation] = []
}
