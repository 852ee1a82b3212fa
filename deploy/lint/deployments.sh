#!/bin/bash
# Checks what Moose is deployed with: systemd's units by systemd itself (that they are right, and how exposed they are), the
# Kubernetes files by the schemas of Kubernetes and by what a pod of Moose need not be allowed. Neither systemd nor a cluster
# has to run.
#
# The Python packages go into a virtual environment below .build, once.
set -euo pipefail
cd "$(dirname "$0")/../.."

wanted=kubernetes-validate==1.37.0
environment=.build/lint-environment
# In tenths. Without handlers a role needs next to nothing; with the drop-in for demanding handlers a worker is more exposed.
most=30
most_with_handlers=50
status=0

for tool in systemd-analyze python3; do
    command -v "$tool" >/dev/null || { echo "lint: $tool is missing; run make setup" >&2; exit 1; }
done

# systemd looks whether the program is there: this machine need not have it installed.
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
for unit in deploy/systemd/*.service; do
    sed "s|^ExecStart=/usr/local/bin/moose |ExecStart=$(type -P true) |" "$unit" >"$folder/$(basename "$unit")"
    systemd-analyze verify --man=no "$folder/$(basename "$unit")" || status=1
    systemd-analyze security --offline=true --no-pager --threshold="$most" "$folder/$(basename "$unit")" \
        >"$folder/report" 2>&1 || { cat "$folder/report" >&2; status=1; }
    tail -1 "$folder/report"
done
mkdir "$folder/moose-worker.service.d"
cp deploy/systemd/handlers.conf "$folder/moose-worker.service.d/"
systemd-analyze verify --man=no "$folder/moose-worker.service" || status=1
systemd-analyze security --offline=true --no-pager --threshold="$most_with_handlers" "$folder/moose-worker.service" \
    >"$folder/report" 2>&1 || { cat "$folder/report" >&2; status=1; }
echo "with handlers.conf: $(tail -1 "$folder/report")"

if [ "$("$environment/bin/python" -m pip freeze 2>/dev/null | grep '^kubernetes-validate==' || true)" != "$wanted" ]; then
    rm -rf "$environment"
    /usr/bin/python3 -m venv "$environment"
    "$environment/bin/python" -m pip install --quiet --disable-pip-version-check "$wanted"
fi
"$environment/bin/python" deploy/lint/kubernetes.py --self-test deploy/kubernetes/*.yaml || status=1
"$environment/bin/python" deploy/lint/kubernetes.py deploy/kubernetes/*.yaml || status=1
exit "$status"
