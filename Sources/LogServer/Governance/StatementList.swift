internal import COSE
internal import Governance
internal import LogStore
internal import Tlog

/// Entries of the published log that have something in common, the newest first.
struct StatementList {
    /// What the entries have in common.
    enum Selection {
        /// Nothing: all entries, the log's own seals too.
        case all
        case listed(ListingKey)
    }

    static let parameters = ["issuer", "subject", "type", "before", "limit"]

    let selection: Selection
    /// Only entries below this index.
    let before: UInt64?
    let limit: Int

    init(_ query: Query) throws(Problem) {
        var selections: [Selection] = []
        if let issuer = query.text("issuer") { selections.append(.listed(.issuer(issuer))) }
        if let subject = query.text("subject") { selections.append(.listed(.subject(subject))) }
        if let type = query.text("type") { selections.append(.listed(.type(type))) }
        guard selections.count <= 1 else {
            throw Problem(.badParameter, "Give at most one of the parameters issuer, subject and type.")
        }
        selection = selections.first ?? .all
        before = try query.number("before")
        limit = try query.limit()
    }

    /// Indices below `size`, with one more than the limit where there are more.
    func indices(in snapshot: any LogSnapshot, size: UInt64) throws -> [UInt64] {
        switch selection {
        case .all:
            let end = min(size, before ?? size)
            return (end - min(end, UInt64(limit) + 1)..<end).reversed()
        case .listed(let key):
            return try snapshot.listing(key.bytes, below: size, before: before, limit: limit + 1)
        }
    }

    /// What an entry says of itself; its signature was verified when it was admitted.
    static func json(_ index: UInt64, in snapshot: any LogSnapshot) throws -> JSON {
        guard let entry = try snapshot.entry(index) else {
            throw StoreError(.corrupt, "entry \(index) is listed and not there")
        }
        let statement = try SignedStatement(decoding: entry)
        let header = statement.header
        var members = [
            JSONMember("index", JSON(index)), JSONMember("leafHash", .string(statement.leafHash.hex)),
            JSONMember("issuer", .string(header.issuer)), JSONMember("subject", .string(header.subject)),
            JSONMember("keyID", .string(Hex.encode(header.keyID))),
            JSONMember("contentType", .string(header.contentType)),
            JSONMember("bytes", JSON(UInt64(statement.entryBytes.count))),
        ]
        if header.contentType.utf8.elementsEqual(Event.contentType.utf8) {
            let event = try Event(decoding: statement.payload)
            members += [
                JSONMember("type", .string(event.type)), JSONMember("stream", .string(event.stream)),
                JSONMember("seq", JSON(event.seq)), JSONMember("time", JSON(event.time)),
            ]
        }
        return .object(members)
    }
}
