/// One value that two JSON documents have differently, such as two policies.
public struct JSONDifference: Sendable, Equatable {
    /// Where: `limits.maxSkew`, `issuers[2].roles[0]`.
    public let path: String
    /// Nil where there was none.
    public let old: JSON?
    /// Nil where there is none any more.
    public let new: JSON?

    /// Everything that differs, in the order of the first document, then what only the second has.
    ///
    /// Elements of arrays are told apart by what they are, not by their place, where all are different: a list of
    /// keys that grew by one shows the one.
    public static func between(_ old: JSON, _ new: JSON) -> [JSONDifference] {
        var differences: [JSONDifference] = []
        compare(old, new, "", &differences)
        return differences
    }

    private static func compare(_ old: JSON, _ new: JSON, _ path: String, _ found: inout [JSONDifference]) {
        guard old != new else { return }
        switch (old, new) {
        case (.object(let before), .object(let after)):
            // {"$bytes": …} is one value.
            guard !(before + after).contains(where: { $0.name.utf8.starts(with: "$".utf8) }) else { break }
            for member in before {
                let path = path.isEmpty ? member.name : "\(path).\(member.name)"
                if let other = new[member.name] {
                    compare(member.value, other, path, &found)
                } else {
                    found.append(JSONDifference(path: path, old: member.value, new: nil))
                }
            }
            for member in after where old[member.name] == nil {
                let path = path.isEmpty ? member.name : "\(path).\(member.name)"
                found.append(JSONDifference(path: path, old: nil, new: member.value))
            }
            return
        case (.array(let before), .array(let after)):
            for element in before where !after.contains(element) {
                found.append(JSONDifference(path: path + "[]", old: element, new: nil))
            }
            for element in after where !before.contains(element) {
                found.append(JSONDifference(path: path + "[]", old: nil, new: element))
            }
            if found.last?.path != path + "[]" { found.append(JSONDifference(path: path, old: old, new: new)) }
            return
        default: break
        }
        found.append(JSONDifference(path: path, old: old, new: new))
    }
}
