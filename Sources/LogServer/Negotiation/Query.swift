internal import HTTPServing
internal import Tlog

/// The parameters of a query, each named at most once and none that the resource does not know.
struct Query: Sendable {
    private var values: [(name: String, value: String)] = []

    /// - Parameters:
    ///   - query: as it was sent, without the question mark.
    ///   - names: the parameters that the resource knows.
    /// - Throws: a ``Problem`` that names the parameter at fault.
    init(_ query: Substring?, allowing names: [String]) throws(Problem) {
        for pair in (query ?? "").split(separator: "&") {
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2, let name = Percent.decode(parts[0]), let value = Percent.decode(parts[1]) else {
                throw Problem(.badParameter, "The query has a part that is not name=value; \(Self.known(names)).")
            }
            guard names.contains(name) else {
                throw Problem(.badParameter, "The query has a parameter that is not known here; \(Self.known(names)).")
            }
            guard !values.contains(where: { $0.name == name }) else {
                throw Problem(.badParameter, "The parameter \(name) is given twice; give it once.")
            }
            values.append((name, value))
        }
    }

    func has(_ name: String) -> Bool { values.contains { $0.name == name } }

    /// Nil where the parameter was not given.
    func text(_ name: String) -> String? { values.first { $0.name == name }?.value }

    /// The address of the same resource with these parameters in the place of those of their names.
    func next(_ path: some StringProtocol, _ replacements: KeyValuePairs<String, String>) -> String {
        let kept = values.filter { value in !replacements.contains { $0.key == value.name } }
        let pairs = kept.map { ($0.name, $0.value) } + replacements.map { ($0.key, $0.value) }
        return "\(path)?" + pairs.map { "\($0)=\(Percent.encode($1))" }.joined(separator: "&")
    }

    /// A number as tlog formats write them: decimal digits, no sign, no leading zeros. Nil where it was not given.
    func number(_ name: String) throws(Problem) -> UInt64? {
        guard let text = text(name) else { return nil }
        guard let number = UInt64(canonical: text) else {
            throw Problem(
                .badParameter, "The parameter \(name) is not a decimal number below 2^64 without leading zeros.")
        }
        return number
    }

    /// A hash in lowercase hexadecimal. Nil where it was not given.
    func hash(_ name: String) throws(Problem) -> Hash? {
        guard let text = text(name) else { return nil }
        guard let hash = Hash(hex: text) else {
            throw Problem(.badParameter, "The parameter \(name) is not a hash of 64 lowercase hexadecimal digits.")
        }
        return hash
    }

    private static func known(_ names: [String]) -> String {
        names.isEmpty ? "this resource takes none" : "this resource takes \(names.joined(separator: ", "))"
    }
}
