"""Looks at what is left from the outside: the ids that were published, the runs the handlers wrote down, and the tables.
Nothing of the product's own code is used."""
import collections

from plan import KINDS

# The dead letters of orders that failed for good. THE ONE SWITCH: a product that writes none for them has none of these
# reasons in its table and is not asked for them; as soon as one stands there, each such order must have exactly its own.
FAILED_FOR_GOOD = ("exhausted", "poison", "never_fits", "dependency_failed")
# Of the reasons that stand for an injected `malformed`.
MALFORMED = {"malformed", "invalid_field", "no_id"}
SHOWN = 8


class Checker:
    def __init__(self, servers, fleet, plan, runs_path, seed):
        self.servers, self.fleet, self.plan, self.runs_path, self.seed = servers, fleet, plan, runs_path, seed
        self.violations = []
        self.table = []

    def line(self, what, figure, wrong=(), how=""):
        """A line of the table; `wrong` are the ids that break it."""
        wrong = list(wrong)
        self.table.append((what, figure, "ok" if not wrong else f"WRONG: {len(wrong)}"))
        if wrong:
            self.violations.append((what, wrong, how))

    def rows(self, query):
        return self.servers.rows(query)

    def check(self):
        self.read()
        self.check_states()
        self.check_results()
        self.check_runs()
        self.check_money()
        self.check_escalations()
        self.check_dead_letters()
        self.check_processes()
        return not self.violations

    def read(self):
        self.orders = {id: (state, int(losses), error) for id, state, losses, error in self.rows(
            "SELECT id, state, worker_losses, coalesce(replace(translate(error, E'\\n\\r', '  '), '|', '/'), '') "
            "FROM moose.work_orders")}
        self.attempts = collections.defaultdict(list)
        for id, token, outcome, success, worker in self.rows(
                "SELECT work_order_id, fencing_token, outcome, success, coalesce(worker::text, '') "
                "FROM moose.outcome_vectors"):
            self.attempts[id].append((int(token), outcome, success == "t", worker))
        pids = {worker: int(pid) for worker, pid in self.rows("SELECT id, pid FROM moose.workers")}
        self.faults_of = {worker: self.fleet.hits.get(pid, []) for worker, pid in pids.items()}
        self.runs = collections.Counter()
        with open(self.runs_path) as file:
            for line in file:
                self.runs[line.split(" ", 1)[0]] += 1
        self.failed = {id for id, (state, *_) in self.orders.items() if state == "failed"}
        # Failed although its kind completes: only an order that lost three workers may.
        self.lost_three = {id for id in self.failed if self.orders[id][1] >= 3}
        # What depends on such an order never runs: it stays blocked, or fails with it.
        self.broken = {id for id, parent in self.rows("SELECT work_order_id, depends_on FROM "
                                                      "moose.work_order_dependencies") if parent in self.lost_three}

    def check_states(self):
        plan, orders = self.plan, self.orders
        self.line("work orders published", len(plan.orders), [id for id in plan.orders if id not in plan.confirmed],
                  "never confirmed to their publisher")
        self.line("lost (published, not in the tables)", sum(id not in orders for id in plan.orders),
                  [id for id in plan.orders if id not in orders])
        ended = ("completed", "failed")
        waits = [f"{id} {orders[id]}" for id in plan.orders
                 if id in orders and orders[id][0] not in ended and id not in self.broken]
        self.line("not ended", len(waits), waits, "moose work-orders show ID")
        self.line("in the tables, never published", sum(id not in plan.orders for id in orders),
                  [id for id in orders if id not in plan.orders])
        wrong = [f"{id} {plan.orders[id]} {orders[id]}" for id in plan.orders
                 if id in orders and orders[id][0] in ended and orders[id][0] != plan.expected_state(id)
                 and id not in self.lost_three and id not in self.broken]
        self.line("ended otherwise than their kind does", len(wrong), wrong)
        states = collections.Counter(state for state, *_ in orders.values())
        self.line("completed, failed", f"{states['completed']}, {states['failed']}")

    def check_results(self):
        twice = [id for id, attempts in self.attempts.items() if sum(success for _, _, success, _ in attempts) > 1]
        self.line("results accepted twice", len(twice), twice)
        without = [id for id, (state, *_) in self.orders.items() if (state == "completed") !=
                   any(success for _, _, success, _ in self.attempts.get(id, ()))]
        self.line("completed without an accepted result, or the reverse", len(without), without)

    def check_runs(self):
        """A run that ended is an attempt. One that was cut off needs a fault that hit its worker."""
        too_many = [f"{id}: {runs} runs, {len(self.attempts.get(id, ()))} attempts" for id, runs in self.runs.items()
                    if runs > len(self.attempts.get(id, ()))]
        self.line("runs that no attempt accounts for", len(too_many), too_many, "the same claim was run twice")
        never = [id for id, (state, *_) in self.orders.items() if state == "completed" and not self.runs[id]]
        self.line("completed without a run", len(never), never)
        cut_off, unexplained = collections.Counter(), []
        for id, attempts in self.attempts.items():
            for token, outcome, _, worker in attempts:
                if outcome not in ("worker_lost", "interrupted"):
                    continue
                faults = self.faults_of.get(worker)
                if outcome == "interrupted" or faults:
                    cut_off["SIGTERM" if outcome == "interrupted" else faults[-1]] += 1
                else:
                    unexplained.append(f"{id} token {token} worker {worker}")
        causes = ", ".join(f"{cause} {count}" for cause, count in cut_off.most_common())
        self.line("attempts cut off and repeated", f"{sum(cut_off.values())} ({causes})")
        self.line("attempts taken from workers that no fault hit", len(unexplained), unexplained)
        self.line("orders that really lost three workers",
                  len(self.lost_three), [id for id in self.lost_three if sum(
                      outcome == "worker_lost" for _, outcome, _, _ in self.attempts[id]) < 3])
        for id in sorted(self.lost_three):
            hits = [(self.faults_of.get(worker) or ["?"])[-1] for _, outcome, _, worker in self.attempts[id]
                    if outcome == "worker_lost"]
            print(f"  lost three workers: {id} {self.plan.orders.get(id)}: {', '.join(hits)}")

    def check_money(self):
        holds = collections.defaultdict(list)
        for id, state, estimate, actual in self.rows(
                "SELECT owner, state, estimate_u, coalesce(actual_u, -1) FROM moose.budget_holds"):
            holds[id].append((state, int(estimate), int(actual)))
        self.line("holds still open", sum(state in ("held", "dispatched") for h in holds.values() for state, *_ in h),
                  [id for id, h in holds.items() if any(state in ("held", "dispatched") for state, *_ in h)])
        wrong, settled, presumed, seen = [], 0, 0, 0
        for id, all_holds in holds.items():
            kind = KINDS[self.plan.orders[id][0]] if id in self.plan.orders else None
            real = [actual for state, _, actual in all_holds if state == "settled" and actual > 0]
            guessed = [estimate for state, estimate, _ in all_holds if state == "presumed_spent"]
            settled, presumed = settled + sum(real), presumed + sum(guessed)
            runs = self.runs[id]
            if kind is None or not set(real) <= kind.costs:
                wrong.append(f"{id}: settled {real}, which no run reported")
            elif len(real) > runs:
                wrong.append(f"{id}: {len(real)} settled, {runs} runs")
            elif kind.estimate and runs > len(real) + len(guessed):
                wrong.append(f"{id}: {runs} runs, but {len(real)} settled and {len(guessed)} presumed: money is missing")
        for id, runs in self.runs.items():
            if runs and id in self.plan.orders and KINDS[self.plan.orders[id][0]].estimate and id not in holds:
                wrong.append(f"{id}: ran without a hold")
        self.line("money: settled + presumed, micro-dollars", f"{settled} + {presumed}", wrong, "moose budget history")
        posted = int(self.servers.sql("SELECT coalesce(sum(amount_u), 0) FROM moose.cost_tracking"))
        self.line("money: posted in the ledger", posted, [] if posted == settled + presumed else [f"{settled + presumed}"])
        over = self.rows(CAPS)
        self.line("over a cap at the end", len(over), [" ".join(row) for row in over])
        differences = self.rows("SELECT * FROM moose.reconcile()")
        self.line("reconcile differences", len(differences), [" ".join(row) for row in differences])
        differences = self.rows("SELECT * FROM moose.live_set_differences()")
        self.line("orders missing from a live set, or wrongly in it", len(differences), [" ".join(map(str, row)) for row in differences])

    def check_escalations(self):
        counts = collections.defaultdict(set)
        for id, event, escalation in self.rows(
                "SELECT v.work_order_id, v.event_id, v.escalation_id FROM moose.escalation_events v "
                "JOIN moose.escalations e ON e.id = v.escalation_id "
                "WHERE v.work_order_id IS NOT NULL AND e.operation NOT IN ('settle', 'dependency') "
                "AND coalesce(v.details->>'reason', '') <> 'id_reused'"):
            counts[id].add((event, escalation))
        wrong = [f"{id}: {len(counts[id])} events" for id in self.failed - self.broken
                 if len(counts[id]) != 1]
        self.line("failed for good, each in one escalation's count", len(self.failed), wrong, "moose escalations list")
        silly = self.rows("SELECT e.id, e.count, count(v.event_id) FROM moose.escalations e LEFT JOIN "
                          "moose.escalation_events v ON v.escalation_id = e.id GROUP BY e.id, e.count "
                          "HAVING e.count <> count(v.event_id)")
        self.line("escalations whose count is not that of their events", len(silly), [" ".join(row) for row in silly])

    def check_dead_letters(self):
        plan = self.plan
        found, reasons, strange = collections.Counter(), collections.Counter(), []
        of_orders = collections.defaultdict(collections.Counter)
        for id, reason, order, nonce in self.rows(
                "SELECT id, reason, coalesce(work_order_id::text, ''), "
                "coalesce(substring(encode(body, 'escape') from 'nonce-[0-9]+-[0-9a-f]{8}'), '') "
                "FROM moose.dead_letters"):
            reasons[reason] += 1
            if reason in FAILED_FOR_GOOD:
                of_orders[reason][order] += 1
                continue
            wanted = plan.bad.get(nonce)
            found[nonce] += 1
            if wanted is None or (reason not in MALFORMED if wanted == "malformed" else reason != wanted):
                strange.append(f"{id} {reason}, injected as {wanted}")
        injected = collections.Counter(plan.bad.values())
        figure = ", ".join(f"{reason} {count}" for reason, count in sorted(reasons.items()))
        self.line("dead letters", figure or "0", strange, "moose dead-letters show ID")
        missing = [f"{nonce} {reason}" for nonce, reason in plan.bad.items() if not found[nonce]]
        self.line(f"injected: {', '.join(f'{r} {c}' for r, c in sorted(injected.items()))}; without a dead letter",
                  len(missing), missing)
        double = [f"{nonce}: {count} letters, sent {plan.sends.get(nonce)} times" for nonce, count in found.items()
                  if count > plan.sends.get(nonce, 0)]
        self.line("dead letters more often than sent", len(double), double)
        if not of_orders:
            return
        never_fits = {id for id in self.failed if plan.orders.get(id, ("", ""))[1] == "never_fits"}
        wanted = {"poison": self.lost_three, "never_fits": never_fits, "dependency_failed": self.broken & self.failed}
        wanted["exhausted"] = self.failed - set().union(*wanted.values())
        for reason in FAILED_FOR_GOOD:
            wrong = [f"{id}: {of_orders[reason][id]}" for id in wanted[reason] | set(of_orders[reason])
                     if of_orders[reason][id] != (id in wanted[reason])]
            self.line(f"dead letters ({reason}) = orders that failed so", len(wanted[reason]), wrong)

    def check_processes(self):
        self.line("processes that crashed", len(self.fleet.crashes), self.fleet.crashes, "the .log of its name")

    def print(self):
        width = max(len(what) for what, *_ in self.table)
        for what, figure, verdict in self.table:
            print(f"  {what:<{width}}  {verdict:<10} {figure}")
        for what, wrong, how in self.violations:
            print(f"\nVIOLATED: {what}" + (f" ({how})" if how else ""))
            for one in wrong[:SHOWN]:
                print(f"    {one}")
            if len(wrong) > SHOWN:
                print(f"    and {len(wrong) - SHOWN} more")
        if self.violations:
            print(f"\nthe same faults and orders: SEED={self.seed}; files: {self.fleet.folder}")


CAPS = """
SELECT l.scope, l.name, l.period, b.held_u, b.posted_u, l.cap_u FROM moose.budget_buckets b
JOIN moose.budget_limits l ON l.id = b.policy_id WHERE NOT b.exempt AND b.held_u + b.posted_u > l.cap_u"""
