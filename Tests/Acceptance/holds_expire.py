#!/usr/bin/python3
"""A reservation from SQL that nobody closes ends after its time, whichever role runs alone, and its money is posted once."""
from system import System, check

CONFIG = r"""
lanes: {default: {}}
handlers:
  work: {command: {argv: ["true"]}, free: true}
"""
ROLES = {"client-manager": [], "mission-control": ["--listen", "0"], "worker": ["--lane", "default:1"]}

with System(CONFIG) as system:
    for number, (role, options) in enumerate(ROLES.items(), 1):
        for _ in range(3):
            system.sql("""SELECT reservation_id FROM public.check_and_reserve_budget(0.5, 'other', '{"lives_seconds": 1}')""")
        open_holds = "SELECT count(*) FROM moose.budget_holds WHERE state IN ('held', 'dispatched')"
        check(f"open before {role} runs", system.sql(open_holds), "3")
        system.start(role, role, *options)
        system.wait_for(f"they end with {role} alone", open_holds, "0", 30)
        system.stop(role)
        check("posted", system.sql("SELECT sum(amount_u) FROM moose.cost_tracking"), str(1_500_000 * number))
    check("reconcile differences", system.sql("SELECT count(*) FROM moose.reconcile()"), "0")
print("holds expire: ok")
