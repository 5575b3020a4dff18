#!/bin/sh
# Builds the kernels and their C++ tests under AddressSanitizer and UBSan, and runs them.
#
#     cpp/tests/run.sh        CXX chooses the compiler
#
# Exit code: 0 all is well (or no sanitizer runtime, which is said), 1 a test failed or the code
# does not compile. The flags are those of build.rs, at -O1 with the sanitizers on.
set -eu

cd "$(dirname "$0")/.."
cxx=${CXX:-g++}
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT

sanitize="-fsanitize=address,undefined -fno-sanitize-recover=all -g"
flags="-std=c++20 -O1 -fno-rtti -ffp-contract=off -fno-math-errno -Wall -Wextra -Werror"

echo 'int main() { return 0; }' > "$out/probe.cc"
if ! "$cxx" $sanitize "$out/probe.cc" -o "$out/probe" 2> "$out/log" || ! "$out/probe"; then
    echo "cpp/tests: skipped, $cxx has no working sanitizer runtime here"
    exit 0
fi

compile() { # source object flags...
    source=$1 object=$2
    shift 2
    "$cxx" $flags $sanitize "$@" -c "$source" -o "$out/$object"
}

kernels() { # target flags...
    target=$1
    shift
    for kernel in american black76 implied_vol span svi; do
        compile src/${kernel}_$target.cc ${kernel}_$target.o -fno-exceptions "$@"
    done
}

baseline= background=
case $("$cxx" -dumpmachine) in
x86_64*)
    baseline=-march=x86-64-v2
    avx2="$baseline -mavx2"
    avx512="$baseline -mavx512f -mavx512dq -mavx512bw -mavx512vl -mprefer-vector-width=512"
    kernels avx512 $avx512 & # half of all the time
    background=$!
    kernels avx2 $avx2
    ;;
esac
kernels baseline $baseline
for source in american american_table black76 implied_vol span svi target; do
    compile src/$source.cc $source.o -fno-exceptions $baseline
done
[ -z "$background" ] || wait "$background"

for test in american black76 implied_vol span svi; do
    compile tests/${test}_test.cc ${test}_test.main
    "$cxx" $sanitize "$out"/*.o "$out/${test}_test.main" -o "$out/${test}_test"
    "$out/${test}_test"
done
