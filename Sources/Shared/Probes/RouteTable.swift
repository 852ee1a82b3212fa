import HTTPTypes

/// The routes of one server.
struct RouteTable: Sendable {
    /// What a request meets.
    enum Match {
        case route(Route, parameters: [String: String])
        /// The path is there, for these methods only.
        case otherMethods([HTTPRequest.Method])
        case noPath
    }

    /// The more exact before the less.
    private let routes: [Route]
    /// Every path that is there, such as `/api/scaling/{lane}`, in the order in which they were added.
    let paths: [String]

    /// - Precondition: no two routes answer the same method on the same paths.
    init(_ routes: [Route]) {
        for (index, route) in routes.enumerated() {
            let isNew = !routes[..<index].contains { other in
                other.method == route.method && other.pattern.isSame(as: route.pattern)
            }
            precondition(isNew, "\(route) is there twice")
        }
        self.routes = routes.sorted { $0.pattern.isMoreExact(than: $1.pattern) }
        paths = routes.map(\.pattern.description).reduce(into: []) { paths, path in
            if !paths.contains(path) { paths.append(path) }
        }
    }

    /// A route that only this machine may reach; nil where there is none.
    var notForOthers: Route? { routes.first { $0.reach == .thisMachine } }

    /// The most exact route of the method; whoever answers GET answers HEAD.
    func match(_ head: HTTPRequest) -> Match {
        guard let path = RoutePattern.parts(of: head.path ?? "") else { return .noPath }
        let method = head.method == .head ? .get : head.method
        var methods: [HTTPRequest.Method] = []
        for route in routes {
            guard let parameters = route.pattern.parameters(in: path) else { continue }
            if route.method == method { return .route(route, parameters: parameters) }
            let answered: [HTTPRequest.Method] = route.method == .get ? [.get, .head] : [route.method]
            for method in answered where !methods.contains(method) { methods.append(method) }
        }
        return methods.isEmpty ? .noPath : .otherMethods(methods)
    }
}
