#!/bin/sh
# Instructions an operation, by callgrind: each loop of benches/instructions.rs runs with two counts,
# and the difference is divided. The same build gives the same figures on every run and machine.
#
#   tools/callgrind.sh            every loop
#   tools/callgrind.sh LOOP...    these
#
# Pricing runs on the baseline instruction set. Skips, and succeeds, where valgrind is missing.
set -eu
cd "$(dirname "$0")/.."

if ! command -v valgrind >/dev/null 2>&1; then
    echo "callgrind: skipped, valgrind is not installed (Debian: apt-get install valgrind)"
    exit 0
fi

program=$(cargo bench -p tezi --bench instructions --no-run --message-format=json 2>/dev/null |
    sed -n 's/.*"executable":"\([^"]*\/instructions-[^"]*\)".*/\1/p' | tail -1)
if [ -z "$program" ]; then
    echo "callgrind: the bench 'instructions' does not build; cargo bench -p tezi --bench instructions --no-run says why" >&2
    exit 1
fi

few=2000
many=12000

# Instructions of one run. Loops that begin with "tick" are counted inside the path's own function.
count() {
    case $1 in
        tick*) toggle='--toggle-collect=*TickPath*::on_packet' ;;
        *) toggle='--collect-atstart=yes' ;;
    esac
    valgrind --tool=callgrind --callgrind-out-file=/dev/null "$toggle" "$program" "$1" "$2" 2>&1 |
        sed -n 's/.*Collected : *\([0-9]*\).*/\1/p'
}

[ $# -gt 0 ] || set -- $("$program")
printf '%-26s %s\n' loop 'instructions an operation'
for name in "$@"; do
    first=$(count "$name" $few)
    second=$(count "$name" $many)
    if [ -z "$first" ] || [ -z "$second" ]; then
        echo "callgrind: no count for $name" >&2
        exit 1
    fi
    awk -v name="$name" -v difference=$((second - first)) -v operations=$((many - few)) \
        'BEGIN { printf "%-26s %.1f\n", name, difference / operations }'
done
