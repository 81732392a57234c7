internal import COSE
public import Tlog

/// The way to the witnesses: one exchange with one of them. The engine decides what is sent and what is believed.
public protocol Cosigners: Sendable {
    /// Submits a checkpoint to a witness (tlog-witness, `add-checkpoint`). Throws when there is no answer that says
    /// anything about the checkpoint; the error's description is for operators.
    func addCheckpoint(_ request: AddCheckpointRequest, to witness: TlogPolicy.Witness) async throws -> CosignerAnswer

    /// The newest checkpoint that a witness serves for a log; nil where it serves none.
    func checkpoint(of origin: Origin, at witness: TlogPolicy.Witness) async throws -> SignedCheckpoint?
}

/// What a witness said. None of it is verified.
public enum CosignerAnswer: Sendable, Hashable {
    /// Status 200.
    case cosigned(AddCheckpointResponse)

    /// Status 409: the size of the checkpoint that it cosigned last.
    case conflict(size: UInt64)

    /// Status 422: what it was given does not continue what it has.
    case inconsistent
}

/// The witnesses of a log, and how it asks them.
public struct Witnessing: Sendable {
    /// The witnesses, and which of them must have cosigned a head before it is published. Those with a URL are asked.
    public let policy: TlogPolicy

    public let cosigners: any Cosigners

    /// How long one witness may take for one head, catching up included.
    public var timeout: Duration = .seconds(5)

    /// The state witnesses: they cosign what they have replayed, so they are asked when a head is published, and nothing
    /// waits for them. Their cosignatures are added to the published head.
    public var stateWitnesses: Set<TlogPolicy.Name> = []

    /// How long a state witness may take for one head, reading it included.
    public var stateTimeout: Duration = .seconds(30)

    /// How often a head is cosigned again while nothing is appended.
    public var recosignInterval: Duration = .seconds(60)

    /// How long cosignatures beyond the quorum are waited for, after the head was published.
    public var grace: Duration = .seconds(2)

    /// How long to wait after a round without a quorum: at first, and at most.
    public var retry: ClosedRange<Duration> = .milliseconds(250)...(.seconds(10))

    /// How long a witness that claims what this log has not signed is left out before it is asked again.
    public var quarantine: Duration = .seconds(60)

    /// How long a witness may not have cosigned, having failed more than once, before the operator is told of it.
    public var silence: Duration = .seconds(60)

    /// Publish without a quorum where there is none. It does not hold for the first head after a start.
    public var failOpen = false

    public init(policy: TlogPolicy, cosigners: any Cosigners) {
        self.policy = policy
        self.cosigners = cosigners
    }

    var stateKeys: [VerifierKey] { policy.witnesses.filter { stateWitnesses.contains($0.name) }.map(\.key) }

    func isAskedBeforePublication(_ witness: TlogPolicy.Witness) -> Bool {
        witness.url != nil && !stateWitnesses.contains(witness.name)
    }

    func isAskedAfterPublication(_ witness: TlogPolicy.Witness) -> Bool {
        witness.url != nil && stateWitnesses.contains(witness.name)
    }
}

/// A signed head with the cosignatures that it needs to be published. Only this step makes one.
struct CosignedHead: Sendable {
    let checkpoint: SignedCheckpoint
    let sealTime: UInt64
    let signedRoot: SignedRoot

    private init(_ head: SignedHead, cosignatures: [NoteSignature]) {
        checkpoint = cosignatures.isEmpty ? head.checkpoint : head.checkpoint.adding(cosignatures)
        sealTime = head.sealTime
        signedRoot = head.signedRoot.carrying(checkpoint)
    }

    /// No witnesses are configured: the log's own signature is enough.
    static func withoutWitnesses(_ head: SignedHead) -> CosignedHead {
        CosignedHead(head, cosignatures: [])
    }

    /// Cosigned as the policy demands.
    init(_ head: SignedHead, _ quorum: QuorumReached) {
        self.init(head, cosignatures: quorum.cosignatures)
    }

    /// The operator has said that heads are published without a quorum where there is none.
    static func failingOpen(_ head: SignedHead, _ cosignatures: [NoteSignature]) -> CosignedHead {
        CosignedHead(head, cosignatures: cosignatures)
    }

    var treeHead: TreeHead { checkpoint.checkpoint.treeHead }
}

/// Why a head was not cosigned.
enum CosigningFault: Error {
    /// Too few witnesses answered; another round may do. Who said what.
    case noQuorum(String)

    /// A checkpoint with this log's own signature that is not in this log: somebody signed another history.
    case signedElsewhere(String)
}
