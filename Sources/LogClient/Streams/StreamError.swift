public import COSE
public import Governance

/// Why events were not registered to a stream.
public enum StreamError: Error, Sendable {
    case ledger(StreamLedgerError)
    /// Item number `item` of those handed over is no event.
    case event(item: Int, EventError)
    /// Item number `item` of those handed over makes no statement.
    case statement(item: Int, StatementError)
    /// The log refused item number `item`, or did not answer it; those before it are registered, the others not.
    case refused(item: Int, ClientError)
    /// The log was asked for the stream and could not say.
    case log(ClientError)
    /// The log does not have statements that it acknowledged to this issuer. Nothing was signed.
    case logIsBehind(StreamName, remembered: StreamPlace, shown: StreamPlace, path: String)
    /// The log has another statement at a place that this issuer remembers. Nothing was signed.
    case logDiffers(StreamName, remembered: StreamPlace, shown: StreamPlace, path: String)
}
