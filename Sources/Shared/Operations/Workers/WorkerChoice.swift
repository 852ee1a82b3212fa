package import FoundationEssentials
package import Postgres

/// Which workers an operator means. Only those that live: the others hear nothing.
package enum WorkerChoice: Sendable {
    case ids([UUID])
    case host(String)
    case all

    package func living(in database: PostgresClient) async throws -> [UUID] {
        let (ids, host): ([UUID]?, String?) =
            switch self {
            case .ids(let ids): (ids, nil)
            case .host(let host): (nil, host)
            case .all: (nil, nil)
            }
        return try await database.run(
            """
            SELECT w.id FROM moose.workers w
            WHERE w.stopped_at IS NULL AND w.last_seen > now() - interval '60 seconds'
              AND (\(ids)::uuid[] IS NULL OR w.id = ANY (\(ids))) AND (\(host)::text IS NULL OR w.host = \(host))
            ORDER BY w.id
            """
        ).rows.decode(UUID.self)
    }
}
