#!/usr/bin/python3
"""Breaks the product in ways that only show from the outside, and says what Tests/Chaos finds of each. Fails when one is not found.

    MOOSE=.build/debug/moose Tests/Mutants/chaos.py [NAME ...]"""
import os
import subprocess
import sys
import tempfile

CHAOS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../Chaos/chaos.py")
# name: function, text, what stands there instead, the line of the table that must be violated
MUTANTS = {
    "a rescue forgets what the lost run cost": (
        "rescue_leases", "array_fill(true,", "array_fill(false,", "money: settled"),
    "a failure is reported to nobody": (
        "finish_batch", "WHERE w.id = ANY (v_ended) AND w.state = 'failed'", "WHERE false", "failed for good"),
    "an escalation counts its batches, not its events": (
        "record_error_events", "e.count + excluded.count", "e.count + 1", "escalations whose count"),
    "a budget grants one order too many": (
        "reserve_batch", "v_estimate > v_cap[k] - v_used[k] OR", "v_estimate > v_cap[k] + 1000 - v_used[k] OR", "caps"),
    "a claim drops what it should run": (
        "claim_judge", "WHEN p_park OR w.run_at > now()", "WHEN w.attempt > 0 AND w.lane = 'default' THEN 'duplicate' "
        "WHEN p_park OR w.run_at > now()", "at rest"),
}


def main():
    missed = []
    for name, (function, text, instead, line) in MUTANTS.items():
        if sys.argv[1:] and name not in sys.argv[1:]:
            continue
        with tempfile.TemporaryDirectory() as folder:   # what a failed run keeps goes with it
            os.chmod(folder, 0o755)
            done = subprocess.run(
                ["/usr/bin/python3", CHAOS, "--seconds", "25", "--orders", "1500", "--faults", "12", "--workers", "3",
                 "--seed", "5", "--poisons", "1", "--settle", "45", "--break", function, text, instead],
                env=dict(os.environ, TMPDIR=folder), capture_output=True, text=True)
        violated = [said[10:] for said in done.stdout.splitlines() if said.startswith("VIOLATED: ")]
        found = done.returncode == 1 and any(line in one for one in violated)
        print(f"{'found' if found else 'MISSED'}: {name}: {'; '.join(violated) or done.stdout[-300:] + done.stderr[-300:]}",
              flush=True)
        if not found:
            missed.append(name)
    sys.exit(1 if missed else 0)


main()
