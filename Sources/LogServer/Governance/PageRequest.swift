internal import Governance
internal import Tlog

/// Which part of a list is asked for, and of which size of the log.
struct PageRequest: Sendable {
    static let defaultLimit = 100
    static let maxLimit = 1000

    let size: UInt64?
    let limit: Int
    /// The last key of the page before; nil for the first page.
    let after: StateKey?

    /// The parameters of lists of the state.
    static let parameters = ["size", "limit", "after"]

    /// - Parameter prefixes: what the list's keys begin with.
    init(_ query: Query, in prefixes: [[UInt8]]) throws(Problem) {
        size = try query.number("size")
        limit = try query.limit()
        guard let cursor = query.text("after") else {
            after = nil
            return
        }
        guard let bytes = Base64.decodeURL(cursor), let key = StateKey(decoding: bytes),
            prefixes.contains(where: { key.bytes.starts(with: $0) })
        else {
            throw Problem(
                .badParameter,
                "The parameter after is no cursor of this list; take it from the next link of the page before.")
        }
        after = key
    }

    /// The address of the page after the one that ends with `last`. It names the size, so that a list that was begun
    /// stays the list that it was, whatever is registered meanwhile.
    func next(_ path: some StringProtocol, last: StateKey, size: UInt64) -> String {
        "\(path)?size=\(size)&limit=\(limit)&after=\(Base64.encodeURL(last.bytes))"
    }
}

extension Query {
    /// How many items a page has at most.
    func limit() throws(Problem) -> Int {
        guard let number = try number("limit") else { return PageRequest.defaultLimit }
        guard let limit = Int(exactly: number), (1...PageRequest.maxLimit).contains(limit) else {
            throw Problem(
                .badParameter, "The parameter limit is \(number); it can be 1 to \(PageRequest.maxLimit).")
        }
        return limit
    }
}
