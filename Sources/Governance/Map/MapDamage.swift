public import Tlog

/// A page of the state's map, or a value of the state, is not what the map's root says: the data is damaged, and
/// nothing may be signed on it.
public struct MapDamage: Error, Sendable, Hashable {
    /// What is wrong.
    public enum Fault: Sendable, Hashable {
        /// It is not there.
        case missing
        /// It is there and should not be: the map is empty.
        case notEmpty
        /// Its bytes are no page of this place.
        case malformed(String)
        /// Its content hashes to something else than the page above, or the seal, has for it.
        case otherHash(expected: Hash, found: Hash)
        /// It has another number of keys than the page above says; 17 stands for all from there on.
        case otherCount(expected: Int, found: Int)
        /// The state has another value under a key than the map; the hashes, nil where there is none.
        case otherValue(key: Hash, expected: Hash?, found: Hash?)
    }

    public let path: MapPath
    public let fault: Fault

    init(_ path: MapPath, _ fault: Fault) {
        self.path = path
        self.fault = fault
    }

    /// A stable name of the fault.
    public var reason: String {
        switch fault {
        case .missing: "page-missing"
        case .notEmpty: "page-of-empty-map"
        case .malformed: "page-malformed"
        case .otherHash: "page-other-hash"
        case .otherCount: "page-other-count"
        case .otherValue: "state-other-value"
        }
    }
}

extension MapDamage: CustomStringConvertible {
    public var description: String {
        let what =
            switch fault {
            case .missing: "the page is missing"
            case .notEmpty: "there is a page, and the map is empty"
            case .malformed(let detail): "the page is malformed: \(detail)"
            case .otherHash(let expected, let found): "the page hashes to \(found), not to \(expected)"
            case .otherCount(let expected, let found): "the page has \(found) keys, not \(expected)"
            case .otherValue(let key, let expected, let found):
                "the state's value under the key \(key) is \(found.map { "one of \($0)" } ?? "missing"), in the map it is "
                    + (expected.map { "\($0)" } ?? "absent")
            }
        return "the state map is damaged at path \(path): \(what)"
    }
}
