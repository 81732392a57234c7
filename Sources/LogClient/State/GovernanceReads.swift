public import Governance

/// What a log says of its governance state in JSON (`spec/http.md`). Lists are for finding things: nothing in them is
/// verified, and nothing shows that one is complete. What is to be relied on is proved by itself.
extension LogClient {
    /// A list of the state, whole: all pages of one size of the log.
    ///
    /// - Parameter path: such as `grants`; segments percent-encoded.
    /// - Returns: nil if the server has no such resource.
    public func unverifiedList(_ path: String) async throws(ClientError) -> [JSON]? {
        var items: [JSON] = []
        var query = "?limit=1000"
        while true {
            guard let page = try await unverifiedRecord(path + query) else { return items.isEmpty ? nil : items }
            guard let list = page["items"]?.arrayValue else {
                throw .answerMalformed(path: path, reason: "there are no items in it")
            }
            items += list
            guard let next = page["next"]?.stringValue else { return items }
            guard let cut = next.firstIndex(of: "?"), !list.isEmpty, next[cut...] != query[...] else {
                throw .answerMalformed(path: path, reason: "its next page is \(next)")
            }
            query = String(next[cut...])
        }
    }

    /// One JSON answer.
    ///
    /// - Returns: nil if the server has no such resource.
    public func unverifiedRecord(_ path: String) async throws(ClientError) -> JSON? {
        let request = ClientRequest.get(path, accept: "application/json", maximumAnswerBytes: Limits.governance)
        guard let answer = try await find(request) else { return nil }
        let json: JSON
        do { json = try JSON(parsing: answer.body) } catch {
            throw .answerMalformed(path: path, reason: "\(error)")
        }
        guard json.objectValue != nil else { throw .answerMalformed(path: path, reason: "it is no JSON object") }
        return json
    }

    /// Everything but RFC 3986's unreserved characters as %XX: a segment of a path.
    public static func pathSegment(_ text: String) -> String { percentEncoded(text) }
}
