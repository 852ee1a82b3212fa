internal import FoundationEssentials
internal import Postgres
internal import WorkOrders

/// The columns of a batch, one array a field, as `ledger_batch` takes them.
struct LedgerColumns {
    private var moveOwners: [UUID] = []
    private var moveTokens: [Int64] = []
    private var moveNumbers: [Int16] = []
    private var moveWords: [String] = []
    private var actuals: [Int64?] = []

    private var owners: [UUID] = []
    private var tokens: [Int64] = []
    private var numbers: [Int16] = []
    private var estimates: [Int64] = []
    private var projects: [String?] = []
    private var agents: [String?] = []
    private var handlers: [String?] = []
    private var models: [String?] = []
    private var dispatched: [Bool] = []
    private var lives: [Int64?] = []

    /// How many moves there are; the rest are reservations.
    var moves: Int { moveOwners.count }

    init(capacity: Int) {
        owners.reserveCapacity(capacity)
        tokens.reserveCapacity(capacity)
        estimates.reserveCapacity(capacity)
    }

    mutating func append(_ item: LedgerItem) {
        switch item {
        case .move(let name, let move):
            moveOwners.append(name.owner)
            moveTokens.append(name.token)
            moveNumbers.append(name.number)
            moveWords.append(move.word)
            actuals.append(move.actual?.microdollars)
        case .reserve(let request):
            owners.append(request.name.owner)
            tokens.append(request.name.token)
            numbers.append(request.name.number)
            estimates.append(request.estimate.microdollars)
            projects.append(request.path.project)
            agents.append(request.path.agent)
            handlers.append(request.path.handler)
            models.append(request.path.model)
            dispatched.append(request.dispatched)
            lives.append(request.lives.map(Self.milliseconds))
        }
    }

    var parameters: [Parameter] {
        [
            Parameter(moveOwners), Parameter(moveTokens), Parameter(moveNumbers), Parameter(moveWords),
            Parameter(actuals), Parameter(owners), Parameter(tokens), Parameter(numbers), Parameter(estimates),
            Parameter(projects), Parameter(agents), Parameter(handlers), Parameter(models), Parameter(dispatched),
            Parameter(lives),
        ]
    }

    /// Whole milliseconds, rounded up: a life of half a millisecond is not none.
    private static func milliseconds(_ duration: Duration) -> Int64 {
        let (seconds, attoseconds) = duration.components
        return seconds * 1000 + (attoseconds + 999_999_999_999_999) / 1_000_000_000_000_000
    }
}
