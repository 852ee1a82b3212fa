#!/usr/bin/python3
"""Two $10 orders at the same moment, two workers, a $100 cap. At $90 exactly one fits and runs; at $95 neither does:
a grant that passes the cap is the one thing that must not happen."""
from system import System, check, time_ordered_id

CONFIG = r"""
handlers:
  work:
    command: {argv: [sh, -c, 'sleep 3; echo ''{"cost_usd": "5"}'' > "$MOOSE_RESULT_FILE"']}
    default_estimate_usd: "10"
"""
with System(CONFIG) as system:
    system.sql("SELECT * FROM public.check_and_reserve_budget(85, 'before')")
    system.sql("UPDATE moose.budget_policies SET soft_u = 20e6, hard_u = 50e6, kill_u = 100e6 WHERE period = 'day'")
    system.sql("SELECT * FROM public.check_and_reserve_budget(5, 'before')")
    for name in ("one", "two"):
        system.start(name, "worker", "--lane", "default:4")
    system.start("client-manager", "client-manager")
    channel = system.channel()
    system.wait_for("both workers", "SELECT count(*) FROM moose.workers", "2", 30)
    for number in range(2):
        system.publish(channel, {"kind": "work", "title": f"ten dollars {number}"}, message_id=time_ordered_id())
    system.wait_for("one runs, one waits", "SELECT string_agg(state, ' ' ORDER BY state) FROM moose.work_orders",
                    "awaiting_budget in_progress", 20)
    check("the day never passed its cap", system.sql(
        "SELECT bool_and(b.held_u + b.posted_u <= coalesce(p.kill_u, p.hard_u)) FROM moose.budget_buckets b "
        "JOIN moose.budget_policies p ON p.id = b.policy_id"), "t")
    system.wait_for("the refusal is an escalation",
                    "SELECT count(*) FROM moose.escalations WHERE trigger_type = 'budget_overrun' "
                    "AND message NOT LIKE '% is past its %'", "1", 30)
    system.wait_for("the first ends", "SELECT count(*) FROM moose.work_orders WHERE state = 'completed'", "1", 30)
    check("the day stands at 95", system.sql(
        "SELECT held_u + posted_u FROM moose.budget_buckets ORDER BY id LIMIT 1"), "95000000")
    ids = [time_ordered_id() for _ in range(2)]
    for id in ids:
        system.publish(channel, {"kind": "work", "title": "at 95"}, message_id=id)
    both = "id IN ('%s', '%s')" % tuple(ids)
    system.wait_for("neither fits any more", "SELECT string_agg(state, ' ') FROM moose.work_orders WHERE " + both,
                    "awaiting_budget awaiting_budget", 20)
    print(system.sql("SELECT state || ': ' || coalesce(error, '') FROM moose.work_orders ORDER BY state"))
    check("reconcile differences", system.sql("SELECT count(*) FROM moose.reconcile()"), "0")
print("budget race: ok")
