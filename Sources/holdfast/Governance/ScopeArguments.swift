import ArgumentParser
import Governance
import Tlog

/// What a containment is over, as it is written on a command line: a kind, and what it is called.
struct ScopeArguments: ParsableArguments {
    enum Kind: String, CaseIterable, ExpressibleByArgument {
        case runtime, execution, model, route, domain
    }

    @Argument(help: "runtime, execution, model, route or domain.")
    var kind: Kind

    @Argument(
        help: ArgumentHelp(
            "Which one: a runtime's URI, an execution's id, NAME@VERSION, a route's name, a domain's origin."))
    var name: String

    @Option(help: ArgumentHelp("The home of the execution. Default: this log's domain.", valueName: "origin"))
    var home: String?

    func validate() throws {
        guard home == nil || kind == .execution else { throw ValidationError("--home belongs to executions.") }
        if kind == .model {
            do { _ = try ModelArgument.parse(name) } catch { throw ValidationError("\(error).") }
        }
    }

    /// - Parameter origin: that of the log.
    func scope(in origin: String) throws -> Scope {
        switch kind {
        case .runtime: .runtime(name)
        case .execution: .execution(ExecutionID(home: home ?? origin, id: name))
        case .model: .model(try ModelArgument.parse(name))
        case .route: .route(name)
        case .domain: .domain(name)
        }
    }
}

/// An execution, by its id and its home.
struct ExecutionArguments: ParsableArguments {
    @Argument(help: "The execution's id.")
    var id: String

    @Option(help: ArgumentHelp("The home of the execution. Default: this log's domain.", valueName: "origin"))
    var home: String?

    func execution(in origin: String) -> ExecutionID { ExecutionID(home: home ?? origin, id: id) }
}

/// A digest: of a file, or as it is.
struct DigestOption {
    /// - Parameters:
    ///   - file: to hash; `-` is standard input.
    ///   - digest: the digest itself.
    static func digest(_ file: String?, _ digest: Hash?, _ name: String) throws -> Hash? {
        guard file == nil || digest == nil else {
            throw Failure(.usage, "--\(name) and --\(name)-digest exclude each other")
        }
        if let digest { return digest }
        return try file.map(FileDigest.sha256)
    }

    /// - Throws: if neither was given.
    static func required(_ file: String?, _ digest: Hash?, _ name: String) throws -> Hash {
        guard let digest = try Self.digest(file, digest, name) else {
            throw Failure(
                .usage, "There is no \(name)",
                hint: "Name a file whose SHA-256 is registered (--\(name) FILE), or the digest (--\(name)-digest HEX).")
        }
        return digest
    }
}
