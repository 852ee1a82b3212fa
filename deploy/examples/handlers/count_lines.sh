#!/bin/sh
# Counts the lines of a project's Python files. Plain POSIX shell: a handler needs no library and no particular language.
set -eu

order=$(cat)
# The pattern lets only a plain name through, so the name can't leave the repository or carry shell syntax.
project=$(printf '%s' "$order" | tr -d '\n' |
    sed -n 's/.*"project"[[:space:]]*:[[:space:]]*"\([a-z][a-z0-9_]*\)".*/\1/p')
folder="${MOOSE_EXAMPLE_REPO:-.moose/example-repo}/$project"

if [ -z "$project" ] || [ ! -f "$folder/pyproject.toml" ]; then
    printf '{"error": "there is no such project", "failure_class": "dependency_missing"}' >"$MOOSE_RESULT_FILE"
    echo "there is no project '$project'" >&2
    exit 1
fi

# `-name '[!.]*'` skips the temporary files of handlers that are writing right now.
files=$(find "$folder" -name '[!.]*.py' -type f | wc -l)
lines=$(find "$folder" -name '[!.]*.py' -type f -exec cat {} + | wc -l)
printf '{"result": {"project": "%s", "files": %d, "lines": %d}, "cost_usd": "0"}' \
    "$project" "$files" "$lines" >"$MOOSE_RESULT_FILE"
echo "$project: $lines lines in $files files"
