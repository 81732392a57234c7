/// The vectors of the transparency log's own formats.
enum TlogFixtures {
    static let suites: [FixtureSuite] = []
}
