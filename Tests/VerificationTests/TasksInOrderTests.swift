import Testing
import Verification

@Suite("Tasks in order")
struct TasksInOrderTests {
    @Test(
        "results are taken in the order in which tasks were begun, however they end",
        arguments: [[0, 1, 2, 3], [3, 1, 0, 2]])
    func order(_ ends: [Int]) async {
        var tasks = TasksInOrder<String>()
        #expect(await tasks.next { nil as (Int, String)? } == nil)
        for number in ends.indices { #expect(tasks.begin() == number) }
        var finished = ends.makeIterator()
        for number in ends.indices {
            #expect(tasks.ahead == ends.count - number)
            #expect(await tasks.next { finished.next().map { ($0, "task \($0)") } } == "task \(number)")
        }
        #expect(tasks.ahead == 0)
    }
}
