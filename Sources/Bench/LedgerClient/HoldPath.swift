/// Whose money a hold takes. It counts against every budget of the organisation and of what is named here.
package struct HoldPath: Sendable, Hashable {
    package var project: String?
    package var agent: String?
    package var handler: String?
    package var model: String?

    package init(project: String? = nil, agent: String? = nil, handler: String? = nil, model: String? = nil) {
        self.project = project
        self.agent = agent
        self.handler = handler
        self.model = model
    }
}
