#!/usr/bin/env python3
"""Breaks the SQL of dead letters, one way at a time, and runs the tests that should notice. Prints what caught each mutant.

    Tests/Mutants/dead_letters.py [NAME ...]     after `swift build --build-tests`

A mutant that survives, or whose place in the SQL is gone, fails the run.
"""

import sys

sys.dont_write_bytecode = True
from mutants import main, mutated  # noqa: E402

STORE = r"^StoreTests\.DeadLetter(Reason)?Tests"
CLIENT = r"^ClientManagerTests\.HostileMessageTests"
REDRIVE = r"^ClientManagerTests\.RedriveTests"

# name: (tests, function, old text, new text)
MUTANTS = {
    "every redelivery is new": (STORE, "bury_batch", "CONTINUE WHEN p_redelivered[i] IS NOT TRUE;", "CONTINUE;"),
    "equal is the same, however often": (
        STORE, "bury_batch", "AND NOT x.is_order AND x.deliveries < greatest(1, p_deliveries[i])", ""),
    "failed orders have no letter": (STORE, "bury_order", "IF NEW.state = 'failed' THEN", "IF NEW.state = 'failed' AND false THEN"),
    "a letter outlives its order's return": (STORE, "bury_order", "AND d.is_order AND d.state = 'dead' RETURNING", "AND false RETURNING"),
    "every order is exhausted": (STORE, "bury_order", "coalesce(NEW.letter_reason, 'exhausted')", "'exhausted'"),
    "a redrive burns on": (STORE, "redrive_orders", "SET state = CASE", "SET attempt = w.attempt, state = CASE", "attempt = 0, ", ""),
    "a redrive ignores dependencies": (STORE, "redrive_orders", "THEN 'blocked' ELSE", "THEN 'pending' ELSE"),
    "a lease holds nobody off": (STORE, "lease_letters", "AND (x.leased_until IS NULL OR x.leased_until < now())", ""),
    "a lease never ends": (STORE, "lease_letters", "OR x.leased_until < now())", "OR false)"),
    "a lost lease still marks": (STORE, "mark_redriven", "d.lease = p_lease AND ", ""),
    "a purge takes what is being redriven": (
        STORE, "purge_letters", "AND (d.leased_until IS NULL OR d.leased_until < now())", ""),
    "a letter forgets what its message was": (
        CLIENT, "bury_batch", "p_properties[n], p_deaths[n]", "NULL, p_deaths[n]"),
    "a cut body looks whole": (CLIENT, "bury_batch", "p_cut_sizes[n], p_cut_sha256[n],\n               v_digests", "NULL, NULL,\n               v_digests"),
    "what comes back is a new letter": (
        REDRIVE, "bury_batch", "WHERE d.id = ANY (ARRAY[p_redrive_of[n]])", "WHERE false"),
    "a mark is believed": (REDRIVE, "bury_batch", "SELECT CASE WHEN p_redrive_seals[n] = sha256(", "SELECT CASE WHEN true OR p_redrive_seals[n] = sha256("),
    "a seal fits every body": (REDRIVE, "bury_batch", "|| coalesce(p_cut_sha256[n], sha256(p_bodies[n])))", ")"),
    "an old copy opens its letter again": (
        REDRIVE, "bury_batch", "AND d.redrive_number = p_redrive_numbers[b.n] AND d.came_back < p_redrive_numbers[b.n]", ""),
}
# name: (tests, function, old text, new text)
ELSEWHERE = {
    "an old reason stays": (STORE, "check_transition", "NEW.letter_reason := NULL;", ""),
    "poison is exhausted": (STORE, "rescue_leases", "THEN 'poison' END", "THEN 'exhausted' END"),
}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], [
        (name, mutated(*mutant), [tests]) for name, (tests, *mutant) in MUTANTS.items()
    ] + [(name, mutated(*mutant), [tests]) for name, (tests, *mutant) in ELSEWHERE.items()]))
