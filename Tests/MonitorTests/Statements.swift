import COSE
import Tlog

extension TestLog {
    /// A statement that is no event.
    func sign(_ payload: [UInt8], type: String) throws -> SignedStatement {
        try SignedStatement.sign(
            payload: payload, contentType: type, issuer: TestLog.issuer, subject: "task/9", key: issuerKey)
    }
}
