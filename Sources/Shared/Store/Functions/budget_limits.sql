-- What is in force now. The cap is the kill, else the hard limit, or a raise above it; no cap: only tracked.
CREATE OR REPLACE VIEW moose.budget_limits AS
SELECT p.id, p.scope, p.name, p.period, p.time_zone, p.soft_u, p.hard_u, p.kill_u,
       greatest(coalesce(p.kill_u, p.hard_u),
                CASE WHEN p.raised_until > now() AND coalesce(p.kill_u, p.hard_u) IS NOT NULL THEN p.raised_u END)
           AS cap_u,
       f.scope IS NOT NULL AS frozen
FROM moose.budget_policies p
LEFT JOIN moose.budget_freezes f ON f.scope = p.scope AND f.name = p.name;
