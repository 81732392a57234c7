internal import COSE
internal import Governance
internal import Hummingbird
internal import LogEngine
internal import LogStore
internal import Tlog

/// Proofs for any size up to the published one, as JSON; for the published one also as receipts.
extension LogResponder {
    /// `/proof/inclusion?index=&size=` or `?leaf=&size=`.
    func inclusionProof(_ incoming: IncomingRequest) throws -> Response {
        let query = try Query(incoming.target.query, allowing: ["index", "leaf", "size"])
        let media = try incoming.preferred(.json, .cose)
        guard query.has("index") != query.has("leaf") else {
            throw Problem(.badParameter, "Give one of the parameters index and leaf.")
        }
        let (index, leaf, askedSize) = (try query.number("index"), try query.hash("leaf"), try query.number("size"))
        return try log.read { snapshot, head in
            let size = try Self.size(askedSize, "size", in: head)
            let index = try Self.index(index, leaf, below: size, in: snapshot)
            let plan = try ProofPlan.inclusion(index: index, size: size)
            let proof = InclusionProof(index: index, size: size, path: try plan.hashes(in: snapshot.tiles(for: plan)))
            if media == .cose {
                try Self.checkReceipt(size: size, in: head)
                return Response(.ok, .cose, .revalidate, head.signedRoot.receipt(proof).encoded())
            }
            let answer: JSON = [
                "index": JSON(index), "size": JSON(size),
                "leafHash": try snapshot.leafHash(at: index).map { .string($0.hex) } ?? .null,
                "path": .array(proof.path.map { .string($0.base64) }),
            ]
            // With its size named, a proof is the same for ever.
            return Response(.ok, .json, askedSize == nil ? .revalidate : .immutable, answer.line)
        }
    }

    /// `/proof/consistency?from=&to=`.
    func consistencyProof(_ incoming: IncomingRequest) throws -> Response {
        let query = try Query(incoming.target.query, allowing: ["from", "to"])
        let media = try incoming.preferred(.json, .cose)
        guard let from = try query.number("from") else {
            throw Problem(.badParameter, "The parameter from, the size of the older tree, is missing.")
        }
        let askedSize = try query.number("to")
        return try log.read { snapshot, head in
            let to = try Self.size(askedSize, "to", in: head)
            guard from <= to else {
                throw Problem(.badParameter, "The parameter from is \(from), which is more than the newer size, \(to).")
            }
            let plan = try ProofPlan.consistency(from: from, to: to)
            let path = try plan.hashes(in: snapshot.tiles(for: plan))
            if media == .cose {
                try Self.checkReceipt(size: to, in: head)
                guard from > 0 else {
                    throw Problem(.notAcceptable, "There is no receipt from the empty tree; every tree continues it.")
                }
                let proof = ConsistencyProof(oldSize: from, newSize: to, path: path)
                return Response(.ok, .cose, .revalidate, head.signedRoot.receipt(proof).encoded())
            }
            let answer: JSON = [
                "from": JSON(from), "to": JSON(to), "path": .array(path.map { .string($0.base64) }),
            ]
            return Response(.ok, .json, askedSize == nil ? .revalidate : .immutable, answer.line)
        }
    }

    /// The size asked for, or the published one.
    private static func size(_ asked: UInt64?, _ name: String, in head: PublishedHead) throws(Problem) -> UInt64 {
        guard let asked else { return head.size }
        guard asked <= head.size else {
            throw Problem(.badParameter, "The parameter \(name) is \(asked), but the published size is \(head.size).")
        }
        return asked
    }

    private static func index(
        _ index: UInt64?, _ leaf: Hash?, below size: UInt64, in snapshot: any LogSnapshot
    ) throws -> UInt64 {
        if let leaf {
            guard let index = try snapshot.index(ofLeaf: leaf), index < size else {
                throw Problem(.notFound, "The tree of size \(size) has no entry with leaf hash \(leaf.hex).")
            }
            return index
        }
        guard let index, index < size else {
            throw Problem(.badParameter, "The parameter index is \(index ?? 0), but the tree has \(size) entries.")
        }
        return index
    }

    /// The log signs the published root only.
    private static func checkReceipt(size: UInt64, in head: PublishedHead) throws(Problem) {
        guard size == head.size else {
            throw Problem(
                .notAcceptable,
                "Receipts are for the published size, \(head.size); leave the size out, or accept application/json."
            )
        }
    }
}

extension LogSnapshot {
    /// What a plan asks to read.
    func tiles(for plan: ProofPlan) throws -> [TileCoordinate: [UInt8]] {
        var tiles: [TileCoordinate: [UInt8]] = [:]
        for tile in plan.tiles { tiles[tile.coordinate] = try content(of: tile) }
        return tiles
    }
}
