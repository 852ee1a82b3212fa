#!/bin/bash
# Refuses Swift files of more than 400 lines: they hold more than one idea and want splitting.
#
#   deploy/lint/file-length.sh [FOLDER ...]    default: Sources and Tests
set -euo pipefail
limit=400
folders=("${@:-Sources}")
[ $# -gt 0 ] || folders=(Sources Tests)
status=0
while IFS= read -r -d '' file; do
    lines=$(wc -l <"$file")
    if [ "$lines" -gt "$limit" ]; then
        echo "$file: error: $lines lines; $limit are allowed. Split it" >&2
        status=1
    fi
done < <(find "${folders[@]}" -name '*.swift' -print0)
exit "$status"
