internal import COSE
public import Tlog

/// Where the cosignatures on a head come from.
public protocol Cosigners: Sendable {
    /// The lines to publish the checkpoint with: at least a quorum's. Called for one head at a time, on the writer's
    /// thread; returns when there are enough.
    func cosignatures(on checkpoint: SignedCheckpoint) throws -> [NoteSignature]
}

/// No witnesses: each head is published with the log's own signature alone.
public struct NoCosigners: Cosigners {
    public init() {}

    public func cosignatures(on checkpoint: SignedCheckpoint) throws -> [NoteSignature] { [] }
}

/// A signed head with the cosignatures that it needs to be published. Only ``Cosigning`` makes one.
struct CosignedHead {
    let checkpoint: SignedCheckpoint
    let sealTime: UInt64
    let signedRoot: SignedRoot

    fileprivate init(_ head: SignedHead, cosignatures: [NoteSignature]) {
        checkpoint = cosignatures.isEmpty ? head.checkpoint : head.checkpoint.adding(cosignatures)
        sealTime = head.sealTime
        signedRoot = head.signedRoot.carrying(checkpoint)
    }
}

/// The sixth step: witnesses vouch that the head continues what they saw before.
struct Cosigning: Sendable {
    let cosigners: any Cosigners

    func cosign(_ head: SignedHead) throws(StopReason) -> CosignedHead {
        do {
            return CosignedHead(head, cosignatures: try cosigners.cosignatures(on: head.checkpoint))
        } catch {
            throw .cosigningFailed("\(error)")
        }
    }
}
