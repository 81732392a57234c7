/// Tasks of one group that run side by side, ahead of who takes their results in the order in which they were begun.
package struct TasksInOrder<Value> {
    private var begun = 0
    private var taken = 0
    private var finished: [Int: Value] = [:]

    package init() {}

    /// How many were begun whose results were not taken.
    package var ahead: Int { begun - taken }

    /// The number of the next task, which it has to give back with its result.
    package mutating func begin() -> Int {
        defer { begun += 1 }
        return begun
    }

    /// The result of the oldest task; nil if there is none.
    ///
    /// - Parameter finish: waits for any of the group's tasks.
    package mutating func next<E: Error>(
        _ finish: () async throws(E) -> (Int, Value)?
    ) async throws(E) -> Value? {
        guard ahead > 0 else { return nil }
        while finished[taken] == nil, let (number, value) = try await finish() { finished[number] = value }
        defer { taken += 1 }
        return finished.removeValue(forKey: taken)
    }
}
