public import COSE
public import Tlog

extension LogClient {
    /// The statement with a leaf hash that the caller knows from somewhere that it believes, such as the state: the
    /// hash vouches for every byte. Neither its signature nor its place in the log is verified.
    ///
    /// - Returns: nil if the log has no such entry.
    public func statement(_ leafHash: Hash) async throws(ClientError) -> SignedStatement? {
        let path = "entries/\(leafHash.hex)/statement"
        let request = ClientRequest.get(path, accept: MediaType.cose, maximumAnswerBytes: Limits.statement)
        guard let answer = try await find(request) else { return nil }
        let statement: SignedStatement
        do {
            statement = try TransparentStatement(decoding: answer.body).statement
        } catch {
            throw .answerMalformed(path: path, reason: "\(error)")
        }
        guard statement.leafHash == leafHash else {
            throw .contradiction(path: path, reason: "the log answered with statement \(statement.leafHash)")
        }
        return statement
    }
}
