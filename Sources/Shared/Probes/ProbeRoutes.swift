/// The routes every role has: `/healthz`, `/readyz` and `/metrics`.
enum ProbeRoutes {
    /// - Parameters:
    ///   - health: asked at each request.
    ///   - metrics: what `/metrics` prints.
    static func all(
        health: @escaping @Sendable () async -> [ProbeCheck], metrics: @escaping @Sendable () async -> [UInt8]
    ) -> [Route] {
        [
            .get("/healthz", reach: .anywhere) { _ in try answer(.health(await health())) },
            .get("/readyz", reach: .anywhere) { _ in try answer(.readiness(await health())) },
            .get("/metrics", reach: .anywhere) { _ in
                RouteAnswer(status: 200, type: "text/plain; version=0.0.4; charset=utf-8", body: await metrics())
            },
        ]
    }

    private static func answer(_ report: ProbeReport) throws -> RouteAnswer {
        RouteAnswer(status: report.isGood ? 200 : 503, type: "application/json", body: try report.json())
    }
}
