import Testing

@testable import Telemetry

struct ManyProcessesTests {
    @Test func `the metrics of many processes are one text, each family once, each sample with its process`() {
        let first = """
            # HELP moose_slots Slots.
            # TYPE moose_slots gauge
            moose_slots{state="free"} 3
            # HELP process_open_fds Open.
            # TYPE process_open_fds gauge
            process_open_fds 17

            """
        let second = """
            # HELP moose_claims_total Claims {all}.
            # TYPE moose_claims_total counter
            moose_claims_total{verdict="a{b}"} 1
            # HELP moose_slots Slots.
            # TYPE moose_slots gauge
            moose_slots{state="free"} 4

            """
        let own = """
            # HELP moose_processes Processes.
            # TYPE moose_processes gauge
            moose_processes{state="ready"} 2
            # HELP process_open_fds Open.
            # TYPE process_open_fds gauge
            process_open_fds 5

            """
        let merged = ExpositionMerge.merged(
            own: Array(own.utf8), parts: [(process: 1, text: first), (process: 2, text: second)])
        #expect(
            String(decoding: merged, as: UTF8.self) == """
                # HELP moose_claims_total Claims {all}.
                # TYPE moose_claims_total counter
                moose_claims_total{process="2",verdict="a{b}"} 1
                # HELP moose_processes Processes.
                # TYPE moose_processes gauge
                moose_processes{state="ready"} 2
                # HELP moose_slots Slots.
                # TYPE moose_slots gauge
                moose_slots{process="1",state="free"} 3
                moose_slots{process="2",state="free"} 4
                # HELP process_open_fds Open.
                # TYPE process_open_fds gauge
                process_open_fds 5
                process_open_fds{process="1"} 17

                """)
    }

    @Test func `a process's line keeps its form and gets its number, and a crash's line becomes a log line`() {
        let now = Timestamp.now
        let line = #"{"ts":"x","level":"info","logger":"worker","message":"worker ready"}"#
        #expect(
            ProcessLog.named(line, process: 3, format: .json, now: now)
                == #"{"process":3,"ts":"x","level":"info","logger":"worker","message":"worker ready"}"# + "\n")
        let crash = ProcessLog.named("Fatal error: \"no\"", process: 3, format: .json, now: now)
        #expect(crash.contains(#""level":"error""#) && crash.contains(#""message":"Fatal error: \"no\"""#))
        #expect(crash.contains(#""process":"3""#) && crash.hasSuffix("}\n"))
        #expect(
            ProcessLog.named("12:00 INFO ready", process: 3, format: .people(colour: false), now: now)
                == "3| 12:00 INFO ready\n")
    }
}
