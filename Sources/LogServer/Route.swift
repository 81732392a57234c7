internal import HTTPTypes

/// The resources of the server. The raw value is the path as `spec/openapi.yaml` writes it, and the label in metrics.
///
/// Paths are matched exactly, segment by segment, so that one resource has one address: no empty segments, no other
/// case. That, the 405 with the methods that are allowed, and labels from a fixed set are why the matching is done
/// here.
enum Route: String, CaseIterable, Sendable {
    case home = "/"
    case entries = "/entries"
    case entry = "/entries/{id}"
    case entryStatement = "/entries/{id}/statement"
    case entryProof = "/entries/{id}/proof"
    case keys = "/.well-known/scitt-keys"
    case key = "/.well-known/scitt-keys/{kid}"
    case genesis = "/genesis"
    case checkpoint = "/checkpoint"
    case tile = "/tile/{level}/{index}"
    case entryBundle = "/tile/entries/{index}"
    case inclusionProof = "/proof/inclusion"
    case consistencyProof = "/proof/consistency"
    case stream = "/streams/{issuer}/{name}"
    case state = "/state/{key}"
    case policy = "/policy"
    case identities = "/identities"
    case identity = "/identities/{issuer}"
    case grants = "/grants"
    case grant = "/grants/{hash}"
    case models = "/models"
    case model = "/models/{name}/{version}"
    case executions = "/executions"
    case execution = "/executions/{home}/{id}"
    case lineage = "/executions/{home}/{id}/lineage"
    case containments = "/containments"
    case peers = "/peers"
    case routes = "/routes"
    case statements = "/statements"
    case metrics = "/metrics"
    case health = "/healthz"
    case readiness = "/readyz"

    /// Its place among all.
    var ordinal: Int { Self.ordinals[self, default: 0] }

    private static let ordinals = Dictionary(uniqueKeysWithValues: zip(allCases, allCases.indices))

    /// What the resource does besides OPTIONS. Whatever can be read can be asked for with HEAD.
    var methods: [HTTPRequest.Method] { self == .entries ? [.post] : [.get, .head] }

    /// For the Allow field.
    var allowed: String { self == .entries ? "POST, OPTIONS" : "GET, HEAD, OPTIONS" }

    /// Whether its answers are JSON, unless something else is asked for.
    var isJSON: Bool {
        switch self {
        case .state, .policy, .identities, .identity, .grants, .grant, .models, .model, .executions, .execution,
            .lineage, .containments, .peers, .routes, .statements:
            true
        default: false
        }
    }

    /// Whether the answer tells nothing of the log's content, and so can be had before any of it is published.
    var isOfOperators: Bool { isProbe || self == .metrics }

    /// Whether the answer costs next to nothing and has to come however busy the server is.
    var isProbe: Bool { self == .health || self == .readiness }
}

/// A path that names a resource, with the segments that vary, decoded.
struct RouteMatch: Sendable {
    let route: Route
    /// In the order of the path. For tiles: the whole path without its first slash. For keys of the state: what
    /// follows `/state/`, as it was sent.
    let arguments: [String]

    /// Nil for a path that names no resource.
    init?(_ target: RequestTarget) {
        guard let segments = target.segments else { return nil }
        switch (segments.count, segments[0]) {
        case (1, ""): self.init(.home)
        case (1, "entries"): self.init(.entries)
        case (1, "checkpoint"): self.init(.checkpoint)
        case (1, "genesis"): self.init(.genesis)
        case (1, "metrics"): self.init(.metrics)
        case (1, "healthz"): self.init(.health)
        case (1, "readyz"): self.init(.readiness)
        case (2, "entries"): self.init(.entry, segments[1])
        case (3, "entries") where segments[2] == "statement": self.init(.entryStatement, segments[1])
        case (3, "entries") where segments[2] == "proof": self.init(.entryProof, segments[1])
        case (2, ".well-known") where segments[1] == "scitt-keys": self.init(.keys)
        case (3, ".well-known") where segments[1] == "scitt-keys": self.init(.key, segments[2])
        case (2, "proof") where segments[1] == "inclusion": self.init(.inclusionProof)
        case (2, "proof") where segments[1] == "consistency": self.init(.consistencyProof)
        case (3, "streams"): self.init(.stream, segments[1], segments[2])
        case (3..., "tile"):
            // The grammar of tile paths is that of `TileResource`, which reads the path whole.
            let route: Route = segments[1] == "entries" ? .entryBundle : .tile
            self.init(route, arguments: [String(target.path.dropFirst())])
        default: self.init(governance: segments, target)
        }
    }

    /// What reads the governance state.
    private init?(governance segments: [Substring], _ target: RequestTarget) {
        switch (segments.count, segments[0]) {
        case (1, "policy"): self.init(.policy)
        case (1, "identities"): self.init(.identities)
        case (2, "identities"): self.init(.identity, segments[1])
        case (1, "grants"): self.init(.grants)
        case (2, "grants"): self.init(.grant, segments[1])
        case (1, "models"): self.init(.models)
        case (3, "models"): self.init(.model, segments[1], segments[2])
        case (1, "executions"): self.init(.executions)
        case (3, "executions"): self.init(.execution, segments[1], segments[2])
        case (4, "executions") where segments[3] == "lineage": self.init(.lineage, segments[1], segments[2])
        case (1, "containments"): self.init(.containments)
        case (1, "peers"): self.init(.peers)
        case (1, "routes"): self.init(.routes)
        case (1, "statements"): self.init(.statements)
        case (2..., "state"):
            // The grammar of keys is that of `StateKey`, which reads the rest of the path whole.
            self.init(.state, arguments: [String(target.path.dropFirst("/state/".count))])
        default: return nil
        }
    }

    private init(_ route: Route, arguments: [String]) {
        self.route = route
        self.arguments = arguments
    }

    private init?(_ route: Route, _ segments: Substring...) {
        var arguments: [String] = []
        for segment in segments {
            guard !segment.isEmpty, let argument = Percent.decode(segment) else { return nil }
            arguments.append(argument)
        }
        self.init(route, arguments: arguments)
    }
}
