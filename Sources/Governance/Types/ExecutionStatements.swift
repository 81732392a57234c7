public import COSE
public import Tlog

/// What an execution starts under.
public enum Permission: Sendable, Hashable {
    /// A decision, by its nonce.
    case permit([UInt8])
    /// A lease, by the leaf hash of its statement.
    case lease(Hash)
}

/// `execution.start`: the runtime begins what was permitted.
public struct ExecutionStart: StatementData {
    public static let type = StatementType.executionStart

    public let execution: ExecutionID
    public let permission: Permission
    /// The executions that this one goes on from.
    public let parents: [ExecutionID]
    public let model: ModelVersion?
    /// The digest of what goes in.
    public let input: Hash

    public init(
        execution: ExecutionID, permission: Permission, parents: [ExecutionID] = [], model: ModelVersion? = nil,
        input: Hash
    ) {
        self.execution = execution
        self.permission = permission
        self.parents = parents
        self.model = model
        self.input = input
    }

    public init(_ data: CBOR) throws(FieldError) {
        let fields = try FieldReader(
            data, path: "", fields: ["execution", "permit", "lease", "parents", "model", "input"])
        let permission: Permission
        if fields.has("lease") {
            guard !fields.has("permit") else { throw .invalid("permit", "absent where there is a lease") }
            permission = .lease(try fields.hash("lease"))
        } else {
            permission = .permit(try fields.bytes("permit", count: 16...32))
        }
        try self.init(
            execution: ExecutionID(fields, "execution"), permission: permission,
            parents: fields.elements("parents", count: 0...64) { item, path throws(FieldError) in
                try ExecutionID(item, path: path)
            },
            model: fields.optional("model") { name throws(FieldError) in try ModelVersion(fields, name) },
            input: fields.hash("input"))
        guard Set(parents).count == parents.count else { throw .invalid("parents", "of executions, none twice") }
    }

    public var cbor: CBOR {
        var map: CBORMap = [
            "execution": execution.cbor, "parents": .array(parents.map(\.cbor)), "input": .hash(input),
        ]
        switch permission {
        case .permit(let nonce): map["permit"] = .bytes(nonce)
        case .lease(let lease): map["lease"] = .hash(lease)
        }
        map["model"] = model?.cbor
        return .map(map)
    }
}

/// `execution.step`: what the execution did next.
public struct ExecutionStep: StatementData {
    public static let type = StatementType.executionStep

    public let execution: ExecutionID
    /// Its number, from 0 without gaps.
    public let step: UInt64
    public let input: Hash
    public let output: Hash

    public init(execution: ExecutionID, step: UInt64, input: Hash, output: Hash) {
        self.execution = execution
        self.step = step
        self.input = input
        self.output = output
    }

    public init(_ data: CBOR) throws(FieldError) {
        let fields = try FieldReader(data, path: "", fields: ["execution", "step", "input", "output"])
        try self.init(
            execution: ExecutionID(fields, "execution"), step: fields.unsigned("step"), input: fields.hash("input"),
            output: fields.hash("output"))
    }

    public var cbor: CBOR {
        ["execution": execution.cbor, "step": .unsigned(step), "input": .hash(input), "output": .hash(output)]
    }
}

/// How an execution ended.
public enum ExecutionOutcome: String, Sendable, Hashable, CaseIterable {
    case executed
    case blocked
    case failed
    case timedOut = "timed-out"
}

/// `execution.finish`: how the execution ended, and with what.
public struct ExecutionFinish: StatementData {
    public static let type = StatementType.executionFinish

    public let execution: ExecutionID
    public let outcome: ExecutionOutcome
    /// The digest of what came out; there where it was executed.
    public let output: Hash?

    public init(execution: ExecutionID, outcome: ExecutionOutcome, output: Hash? = nil) {
        self.execution = execution
        self.outcome = outcome
        self.output = output
    }

    public init(_ data: CBOR) throws(FieldError) {
        let fields = try FieldReader(data, path: "", fields: ["execution", "outcome", "output"])
        try self.init(
            execution: ExecutionID(fields, "execution"), outcome: fields.choice("outcome"),
            output: fields.optional("output", fields.hash))
        guard output != nil || outcome != .executed else { throw .missingField("output") }
    }

    public var cbor: CBOR {
        var map: CBORMap = ["execution": execution.cbor, "outcome": .text(outcome.rawValue)]
        map["output"] = output.map { .hash($0) }
        return .map(map)
    }
}
