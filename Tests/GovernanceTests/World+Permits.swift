import COSE
import Governance
import Tlog

extension World {
    static let access = Access(subject: Actor.ron.issuer, action: "sort", resource: "inbox/1")

    static func grant(
        _ conditions: GrantConditions = GrantConditions(), subject: Actor = .ron, actions: [String] = ["sort"],
        resources: [String] = ["inbox/*"], delegations: UInt64 = 0, parent: Hash? = nil
    ) -> GrantIssue {
        GrantIssue(
            subject: subject.issuer, actions: actions.compactMap { GrantPattern($0) },
            resources: resources.compactMap { GrantPattern($0) }, conditions: conditions, delegations: delegations,
            parent: parent)
    }

    static func nonce(_ number: UInt8) -> [UInt8] { [UInt8](repeating: number, count: 16) }

    /// The head that the log had at a size; one that it never had for a size without a seal.
    func head(_ size: UInt64) -> TreeHead { TreeHead(size: size, root: base.heads[size] ?? .zero) }

    /// A permit on the newest sealed head.
    func permit(_ number: UInt8, _ grant: Hash, head size: UInt64? = nil) -> DecisionRecord {
        DecisionRecord(
            request: .zero, nonce: World.nonce(number), head: head(size ?? sealedSize),
            expires: now + 1000, outcome: .permit, access: World.access, reliesOn: [.grant(grant)], grant: grant)
    }

    func start(_ number: UInt8, id: String = "run", parents: [ExecutionID] = []) -> ExecutionStart {
        ExecutionStart(
            execution: World.run(id), permission: .permit(World.nonce(number)), parents: parents, input: .zero)
    }

    static func run(_ id: String = "run") -> ExecutionID { ExecutionID(home: World.origin, id: id) }

    /// A decision that the checks of something contained pass again.
    func revalidation(_ number: UInt8, _ scope: Scope) -> DecisionRecord {
        var decision = DecisionRecord(
            request: .zero, nonce: World.nonce(number), head: head(sealedSize),
            expires: now, outcome: .revalidate, access: World.access)
        decision.scope = scope
        return decision
    }

    /// A running execution under a grant: the entries from the grant to the start.
    mutating func run(_ number: UInt8, id: String = "run") throws {
        let grant = try add(World.grant(), by: .olga)
        seal()
        try add(permit(number, grant), by: .gus)
        try add(start(number, id: id), by: .ron)
    }

    func phase(_ id: String = "run") throws -> Phase? {
        try record(.execution(World.run(id)), ExecutionRecord.self)?.phase
    }
}
