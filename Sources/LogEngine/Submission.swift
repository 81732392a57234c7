internal import COSE
internal import StoredState

/// A submitted statement that could be read: its form is right, and its canonical bytes and leaf hash are known.
struct Submission: Sendable {
    /// What may become an entry: one reference, however often it is handed on. The event in it is read once, here, and
    /// not again on the writer's thread. One that cannot be read is admission's to refuse, where what enrolled issuers
    /// are refused is counted.
    let entry: FoldedBatch.Entry

    var statement: SignedStatement { entry.statement }

    private init(_ statement: SignedStatement) { entry = FoldedBatch.Entry(statement) }

    /// Reads the bytes of one statement.
    init(decoding bytes: [UInt8]) throws(Rejection) {
        do {
            self.init(try SignedStatement(decoding: bytes))
        } catch {
            throw Rejection(error)
        }
    }

    /// Reads statements one after the other.
    static func decode(_ statements: ArraySlice<[UInt8]>) -> [Result<Submission, Rejection>] {
        SignedStatement.decode(statements).map { statement in
            statement.map { Submission($0) }.mapError { Rejection($0) }
        }
    }
}

extension Rejection {
    /// What is wrong with a statement's form or signature, as a rejection.
    init(_ error: StatementError) {
        switch error {
        case .payloadMissing:
            self.init(.payloadMissing, "\(error): send the statement with its payload in it")
        case _ where error.isTooLarge:
            self.init(
                .tooLarge, "\(error): send a hash envelope, the payload's SHA-256 in its place, and keep the payload")
        case _ where error.isUnsupportedAlgorithm:
            self.init(.unsupportedAlgorithm, "\(error): sign it with Ed25519")
        case _ where error.isBadSignature:
            self.init(.badSignature, "\(error)")
        default:
            self.init(.malformed, "\(error)")
        }
    }
}
