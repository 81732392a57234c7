public import Tlog

/// A signed statement with receipts for it (RFC 9943 section 7): they are in header 394 of the unprotected header.
public struct TransparentStatement: Sendable, Hashable {
    /// In bytes.
    public static let byteLimit = 1_048_576
    /// How many receipts a statement may carry.
    public static let receiptLimit = 16

    /// A receipt as it is attached.
    public enum Attached: Sendable, Hashable {
        /// A receipt that Holdfast reads.
        case receipt(Receipt)
        /// Bytes that are none: of another data structure or algorithm, perhaps. They are kept.
        case unread([UInt8], ReceiptError)
    }

    /// The statement in canonical form.
    public let statement: SignedStatement
    /// What is attached, in its order.
    public let attached: [Attached]

    /// The receipts that can be read. One statement may be in several logs.
    public var receipts: [Receipt] {
        attached.compactMap { if case .receipt(let receipt) = $0 { receipt } else { nil } }
    }

    public init(statement: SignedStatement, receipts: [Receipt]) {
        self.statement = statement
        attached = receipts.map { .receipt($0) }
    }

    /// Reads a statement with at least one receipt. Nothing is verified. Attached bytes that are no receipt of a
    /// kind that Holdfast reads don't make the statement unreadable (RFC 9943 section 7.1 lets a relying party leave
    /// receipts out that it does not understand); look at ``attached`` for them.
    ///
    /// - Throws: ``TransparentStatementError``.
    public init(decoding bytes: [UInt8]) throws(TransparentStatementError) {
        guard bytes.count <= Self.byteLimit else {
            throw .statement(.envelope(.tooLarge(bytes: bytes.count, limit: Self.byteLimit)))
        }
        let layout: COSESign1Layout
        do {
            layout = try COSESign1Layout(bytes)
        } catch {
            throw .statement(.envelope(error))
        }
        do {
            statement = try SignedStatement(bytes, layout: layout)
        } catch {
            throw .statement(error)
        }
        guard let value = layout.unprotected[CBOR(COSELabel.receipts)] else { throw .receiptsMissing }
        // RFC 9942: "&(receipts: 394) => [+ bstr .cbor Receipt]".
        guard case .array(let items) = value else { throw .receiptsInvalid }
        guard (1...Self.receiptLimit).contains(items.count) else {
            throw .receiptCount(items.count, limit: Self.receiptLimit)
        }
        var attached: [Attached] = []
        for item in items {
            guard case .bytes(let encoded) = item else { throw .receiptsInvalid }
            do {
                attached.append(.receipt(try Receipt(decoding: encoded)))
            } catch {
                attached.append(.unread(encoded, error))
            }
        }
        self.attached = attached
    }

    /// The statement with its receipts in the unprotected header, and nothing else there.
    public func encoded() -> [UInt8] {
        let receipts = attached.map { attached -> CBOR in
            switch attached {
            case .receipt(let receipt): .bytes(receipt.encoded())
            case .unread(let bytes, _): .bytes(bytes)
            }
        }
        let unprotected: CBORMap = receipts.isEmpty ? [:] : [CBOR(COSELabel.receipts): .array(receipts)]
        return COSESign1(
            protected: statement.protected, unprotected: unprotected, payload: statement.payload,
            signature: statement.signature
        ).encoded()
    }
}

/// Why bytes are not a transparent statement.
public enum TransparentStatementError: NamedFailure, Hashable {
    /// The statement itself.
    case statement(StatementError)
    /// There are no receipts (394) in the unprotected header.
    case receiptsMissing
    /// The receipts (394) are not an array of byte strings.
    case receiptsInvalid
    /// There is no receipt in the array, or there are more than the limit.
    case receiptCount(Int, limit: Int)

    public var reason: String {
        switch self {
        case .statement(let error): error.reason
        case .receiptsMissing: "receipts-missing"
        case .receiptsInvalid: "receipts-invalid"
        case .receiptCount: "receipt-count"
        }
    }
}

extension TransparentStatementError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .statement(let error): "\(error)"
        case .receiptsMissing: "there are no receipts (394) in the unprotected header"
        case .receiptsInvalid: "the receipts (394) are not an array of byte strings"
        case .receiptCount(let count, let limit): "\(count) receipts where 1 to \(limit) are allowed"
        }
    }
}
