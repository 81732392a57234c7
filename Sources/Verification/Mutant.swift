#if HOLDFAST_MUTANTS
    internal import Foundation
#endif

/// The checks of the verifier that a test build can switch off, one at a time, to show that a test notices.
///
/// Only a build with `-D HOLDFAST_MUTANTS` reads the environment variable `HOLDFAST_MUTANT`; in every other build
/// ``isOff`` is the constant `false`, and the checks can't be switched off at all.
enum Mutant: String, CaseIterable {
    // MARK: Statements

    /// Take a statement with whatever signature, if the genesis knows the key that it names.
    case statementSignature = "verify/statement-signature"

    /// Take an enrolled key's statement under any issuer's name.
    case statementIssuer = "verify/statement-issuer"

    /// Take a statement for included that the checkpoint's tree does not have.
    case inclusion = "verify/inclusion"

    /// Take what the log's statement key signed after its end.
    case ownKeyEnded = "verify/own-key-ended"

    /// Believe a state from before the statement about who signed it.
    case enrolmentBefore = "verify/enrolment-before"

    /// Take a statement of a key that had ended by the state.
    case enrolmentEnded = "verify/enrolment-ended"

    // MARK: Receipts

    /// Take a receipt with whatever signature, if it names the log's receipt key.
    case receiptSignature = "verify/receipt-signature"

    /// Take a receipt that a receipt key signed after its end.
    case receiptKeyEnded = "verify/receipt-key-ended"

    /// Take a receipt that carries the checkpoint of another tree.
    case receiptRoot = "verify/receipt-root"

    /// Take a receipt without a checkpoint where witnesses are to vouch for it.
    case receiptQuorum = "verify/receipt-quorum"

    // MARK: Heads

    /// Take a head from a key's end on for one that can be carried over.
    case headKeyEnded = "verify/head-key-ended"

    /// Take a former key's head that nothing carries over.
    case headSuccessor = "verify/head-successor"

    /// Carry heads over to a checkpoint that nobody vouches for.
    case successorHead = "verify/successor-head"

    /// Carry heads over that the successor's tree does not extend.
    case successorProof = "verify/successor-proof"

    /// Take a head that too few witnesses cosigned.
    case witnessQuorum = "verify/witness-quorum"

    /// Take a log's head from a key that had ended by the log's own entries.
    case replayedSigner = "verify/replayed-signer"

    /// Take a checkpoint for an older one's successor whatever the proof leads to.
    case consistencyProof = "verify/consistency-proof"

    // MARK: State proofs

    /// Believe a seal that is not in the checkpoint's tree.
    case sealInclusion = "verify/seal-inclusion"

    /// Believe a seal with whatever signature, if it names the log's statement key.
    case sealSignature = "verify/seal-signature"

    /// Believe a value that does not lead to the seal's state root.
    case mapProof = "verify/map-proof"

    /// Believe a state under a head that too few state witnesses cosigned.
    case stateQuorum = "verify/state-quorum"

    // MARK: Forks

    /// Hold checkpoints against a log that did not sign them.
    case forkSignature = "verify/fork-signature"

    /// Take the same tree twice for a fork.
    case forkRoots = "verify/fork-roots"

    /// Believe whatever root the evidence says that the larger tree had at the smaller size.
    case forkProof = "verify/fork-proof"

    // MARK: Whole logs and streams

    /// Take tiles with other hashes than the entries give.
    case tiles = "verify/tiles"

    /// Take entries whose root is not the checkpoint's.
    case logRoot = "verify/log-root"

    /// Take entries that the log's rules don't allow.
    case logRules = "verify/log-rules"

    /// Go on from a file that somebody else wrote or changed.
    case resumeMAC = "verify/resume-mac"

    /// Take a second statement of a number that the log's stream has one of.
    case streamFork = "verify/stream-fork"

    // MARK: Evidence bundles

    /// Take entries that are not in the head's tree.
    case bundleInclusion = "verify/bundle-inclusion"

    /// Take values that don't lead to their seal's state root.
    case bundleMapProof = "verify/bundle-map-proof"

    /// Miss no part, whatever the others name.
    case bundleParts = "verify/bundle-parts"

    /// Take entries with whatever signature, if the state knows the key that they name.
    case bundleSignature = "verify/bundle-signature"

    /// Take entries of a key that had ended before them.
    case bundleKeyEnded = "verify/bundle-key-ended"

    /// Take a decision on a tree that was never this log's.
    case bundleHead = "verify/bundle-head"

    /// Take an execution's start for the one that the state has, whatever it says.
    case bundleStart = "verify/bundle-start"

    /// Take a grant's statement for the one that the state has, whatever it says.
    case bundleGrant = "verify/bundle-grant"

    // MARK: Trust files

    /// Leave lines of a trust file aside that are none of the grammar's.
    case trustKeyword = "verify/trust-keyword"

    /// Take a genesis that does not hash to what is pinned.
    case trustGenesisHash = "verify/trust-genesis-hash"

    /// Let one key have several uses.
    case trustKeyUses = "verify/trust-key-uses"

    #if HOLDFAST_MUTANTS
        private static let switchedOff = ProcessInfo.processInfo.environment["HOLDFAST_MUTANT"]

        var isOff: Bool { Self.switchedOff == rawValue }
    #else
        @inline(__always) var isOff: Bool { false }
    #endif
}
