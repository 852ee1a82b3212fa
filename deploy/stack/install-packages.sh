#!/bin/bash
# Installs the Debian packages that Moose is built with and runs on: only those that are missing.
#
#   deploy/stack/install-packages.sh          install (root, or sudo)
#   deploy/stack/install-packages.sh --check  say what is missing and exit with 1 if anything is
#
# RabbitMQ and PostgreSQL come with system services. Moose starts private servers of its own, so the services are not
# started during this installation: Debian's policy-rc.d is asked before a package starts one. Ours says no only while
# this script lives, and yes to everybody afterwards, even if a kill -9 keeps it from being removed. What the packages
# enable for the next boot stays enabled; Moose runs beside it.
set -euo pipefail

packages=(
    librabbitmq-dev libpq-dev libssl-dev zlib1g-dev # the C client libraries
    rabbitmq-server postgresql # the servers of the private stack
    python3 python3-pika amqp-tools python3-psycopg2 # examples: publishing and reserving money from other languages
    pgbouncer libfaketime # acceptance stories: one between Moose and its database, one to give PostgreSQL another clock
    openssl # certificates for the tests
    pkg-config
    systemd python3-venv # checks of deploy/: the units, the Kubernetes files
)

is_installed() {
    # A package that another one provides counts: pkgconf is pkg-config on newer systems.
    dpkg-query --show --showformat='${db:Status-Abbrev}\n' "$1" 2>/dev/null | grep -q '^ii'
}

missing=()
for package in "${packages[@]}"; do
    is_installed "$package" || missing+=("$package")
done
if [ ${#missing[@]} -eq 0 ]; then exit 0; fi
if [ "${1:-}" = --check ]; then
    echo "missing: ${missing[*]}" >&2
    exit 1
fi

if ! command -v apt-get >/dev/null; then
    echo "setup: this is no Debian or Ubuntu. Install what provides these Debian packages: ${missing[*]}" >&2
    exit 1
fi
as_root=()
if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo >/dev/null; then
        echo "setup: packages are missing and there is no sudo. As root: apt-get install ${missing[*]}" >&2
        exit 1
    fi
    as_root=(sudo)
fi

policy=/usr/sbin/policy-rc.d
remove_policy() {
    if grep -qs "moose setup $$\$" "$policy"; then "${as_root[@]}" rm -f "$policy"; fi
}
if [[ " ${missing[*]} " =~ " "(rabbitmq-server|postgresql|pgbouncer)" " ]]; then
    # Left by a killed run of ours: it would say yes, and nobody needs it.
    if grep -qs '# moose setup [0-9]*$' "$policy"; then "${as_root[@]}" rm -f "$policy"; fi
    if [ ! -e "$policy" ]; then
        trap remove_policy EXIT
        "${as_root[@]}" tee "$policy" >/dev/null <<EOF
#!/bin/sh
# moose setup $$
if [ "\$(readlink -f /proc/$$/cwd)" = "$(pwd -P)" ]; then exit 101; fi
exit 104
EOF
        "${as_root[@]}" chmod 755 "$policy"
    fi
fi

echo "setup: installing ${missing[*]}"
"${as_root[@]}" apt-get update -qq
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}"
