/// Whether a witness that vouches for more than growth may cosign a checkpoint that it otherwise would.
///
/// tlog-cosignature, "Additional statements": "A cosigner MAY make additional statements about a checkpoint. […] These
/// statements MUST include the base cosignature semantics". That of a state witness is that it has replayed everything below
/// the head.
public enum CosigningPermission: Sendable, Hashable {
    case granted
    /// It can't say yet; the log may ask again after so many seconds.
    case notYet(String, retryAfter: Int)
    /// It never will for this checkpoint.
    case denied(String)
}
