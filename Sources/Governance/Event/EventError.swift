public import COSE
public import Tlog

/// Why a payload is no event.
public enum EventError: NamedFailure, Hashable {
    case cbor(CBORError)
    case json(JSONError)
    case jsonCoding(JSONCodingError)
    /// No map.
    case notMap
    /// A field that events don't have.
    case unknownField(String)
    case missingField(String)
    /// A field of another kind than its own.
    case wrongKind(field: String)
    /// Not two or more dotted lowercase words in at most 64 characters.
    case type(String)
    /// Empty, longer than 256 bytes, or with control characters.
    case stream(String)
    /// `prev` must be null at seq 0 and a hash everywhere else.
    case prevAtSeq(UInt64)
    /// Not the form of W3C Trace Context.
    case trace

    public var reason: String {
        switch self {
        case .cbor(let error): error.reason
        case .json(let error): error.reason
        case .jsonCoding(let error): error.reason
        case .notMap: "not-a-map"
        case .unknownField: "unknown-field"
        case .missingField: "missing-field"
        case .wrongKind: "wrong-kind"
        case .type: "type"
        case .stream: "stream"
        case .prevAtSeq: "prev"
        case .trace: "trace"
        }
    }
}

extension EventError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .cbor(let error): "the event is not deterministic CBOR: \(error)"
        case .json(let error): "the event is not JSON: \(error)"
        case .jsonCoding(let error): "the event's JSON has no CBOR form: \(error)"
        case .notMap: "the event is no map"
        case .unknownField(let name): "events have no field '\(name)'"
        case .missingField(let name): "the event has no '\(name)'"
        case .wrongKind(let field): "the event's '\(field)' is not of its kind"
        case .type(let type):
            "the event type '\(type)' is not two or more lowercase words with dots between them, 64 characters at most"
        case .stream: "the stream's name must have 1 to 256 bytes and no control characters"
        case .prevAtSeq(0): "the first event of a stream (seq 0) has no predecessor: prev must be null"
        case .prevAtSeq(let seq): "the event with seq \(seq) must name its predecessor's leaf hash in prev"
        case .trace: "the trace is not in the form of W3C Trace Context"
        }
    }
}
