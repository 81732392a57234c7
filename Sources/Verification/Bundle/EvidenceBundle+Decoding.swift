internal import COSE
internal import Governance
internal import Tlog

extension EvidenceBundle {
    /// Reads one from deterministic CBOR, bounded, without unknown parts, everything in its order.
    public init(decoding bytes: [UInt8]) throws(EvidenceBundleError) {
        guard bytes.count <= Self.maxByteCount else { throw .tooLarge(bytes: bytes.count, limit: Self.maxByteCount) }
        let item: CBOR
        // Deepest are the hashes of a map proof: bundle, states, state, values, value, proof, hashes, hash.
        do { item = try CBOR(decoding: bytes, limits: CBORLimits(depth: 8, items: 1_000_000)) } catch {
            throw .cbor(error)
        }
        guard case .map(let map) = item, map["format"]?.textValue?.utf8.elementsEqual(Self.format.utf8) == true
        else { throw .format }
        let names = ["format", "subject", "checkpoint", "entries", "states", "heads"]
        guard map.count == names.count else { throw .part("the bundle") }
        for name in names where map[.text(name)] == nil { throw .part(name) }
        subject = try Self.key(map["subject"], "subject")
        guard Self.isSubject(subject) else { throw .key("subject") }
        guard let checkpoint = map["checkpoint"]?.bytesValue, (1...SignedNote.maxByteCount) ~= checkpoint.count else {
            throw .part("checkpoint")
        }
        self.checkpoint = checkpoint
        entries = try Self.entries(map["entries"])
        states = try Self.states(map["states"])
        heads = try Self.heads(map["heads"])
    }

    private static func entries(_ item: CBOR?) throws(EvidenceBundleError) -> [Entry] {
        var entries: [Entry] = []
        for item in try list(item, "entries") {
            guard let parts = item.arrayValue, parts.count == 3, let index = parts[0].unsignedValue,
                index < Checkpoint.maxSize, let bytes = parts[1].bytesValue,
                (1...SignedStatement.entryByteLimit) ~= bytes.count
            else { throw .part("entries") }
            if let last = entries.last, last.index >= index { throw .order("entries") }
            entries.append(Entry(index: index, bytes: bytes, path: try path(parts[2], "entries")))
        }
        return entries
    }

    private static func states(_ item: CBOR?) throws(EvidenceBundleError) -> [State] {
        var states: [State] = []
        var count = 0
        for item in try list(item, "states") {
            guard let parts = item.arrayValue, parts.count == 2, let size = parts[0].unsignedValue,
                (1...Checkpoint.maxSize) ~= size
            else { throw .part("states") }
            if let last = states.last, last.size >= size { throw .order("states") }
            let values = try values(parts[1])
            count += values.count
            guard count <= maxCount else { throw .tooMany("states", limit: maxCount) }
            states.append(State(size: size, values: values))
        }
        return states
    }

    private static func values(_ item: CBOR) throws(EvidenceBundleError) -> [Value] {
        var values: [Value] = []
        for item in try list(item, "states") {
            guard let parts = item.arrayValue, parts.count == 3, parts[1].isNull || parts[1].bytesValue != nil else {
                throw .part("states")
            }
            let key = try key(parts[0], "states")
            if let last = values.last, last.key >= key { throw .order("states") }
            let proof: MapProof
            do { proof = try MapProof(parts[2]) } catch { throw .proof(error) }
            values.append(Value(key: key, value: parts[1].bytesValue, proof: proof))
        }
        return values
    }

    private static func heads(_ item: CBOR?) throws(EvidenceBundleError) -> [Head] {
        var heads: [Head] = []
        for item in try list(item, "heads") {
            guard let parts = item.arrayValue, parts.count == 2, let size = parts[0].unsignedValue,
                (1...Checkpoint.maxSize) ~= size
            else { throw .part("heads") }
            if let last = heads.last, last.size >= size { throw .order("heads") }
            heads.append(Head(size: size, path: try path(parts[1], "heads")))
        }
        return heads
    }

    private static func list(_ item: CBOR?, _ name: String) throws(EvidenceBundleError) -> [CBOR] {
        guard let items = item?.arrayValue else { throw .part(name) }
        guard items.count <= maxCount else { throw .tooMany(name, limit: maxCount) }
        return items
    }

    /// RFC 9162: no proof of a tree of less than 2^63 leaves has more hashes than twice its height.
    private static func path(_ item: CBOR, _ name: String) throws(EvidenceBundleError) -> [Hash] {
        guard let items = item.arrayValue, items.count <= 2 * TlogProof.maxPathCount else { throw .part(name) }
        var path: [Hash] = []
        for item in items {
            guard let hash = item.bytesValue.flatMap({ Hash($0) }) else { throw .part(name) }
            path.append(hash)
        }
        return path
    }

    private static func key(_ item: CBOR?, _ name: String) throws(EvidenceBundleError) -> StateKey {
        guard let bytes = item?.bytesValue, bytes.count <= StateProof.maxKeyByteCount,
            let key = StateKey(decoding: bytes)
        else { throw .key(name) }
        return key
    }
}
