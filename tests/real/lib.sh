# lib.sh: for tests that run a real program twice, on the system's malloc and on talus, and compare.
#
#   need PROGRAM PACKAGE       fails with the package's name when the program is not there
#   in_force COMMAND...        the command, preloaded, is shown to have used talus
#   compare FUNCTION           runs FUNCTION in $work/system and, preloaded, in $work/talus; then all files
#                              that it left there, its output and its errors must be the same
#   TALUS_PRELOAD              the library; from CTest
#
# Everything a test writes is under $work, which goes away with it.
set -eu -o pipefail
export LC_ALL=C TZ=UTC
unset LD_PRELOAD TALUS_OPTIONS
: "${TALUS_PRELOAD:?the path of libtalus-malloc.so}"

work=$(mktemp -d "${TMPDIR:-/tmp}/talus-real.XXXXXX")
at_exit() { :; } # a test with a server redefines it
trap 'at_exit; rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

fail() {
    echo "FAILED: $*" >&2
    exit 1
}

need() {
    command -v "$1" >/dev/null ||
        fail "$1 is missing: install the package $2 (tools/setup programs does it)"
}

# The statistics that talus writes at a process's exit prove that the process ran on it.
stats=$work/stats
preloaded() {
    LD_PRELOAD=$TALUS_PRELOAD TALUS_OPTIONS=stats_file=$stats "$@"
}

in_force() {
    rm -f "$stats"
    preloaded "$@" >/dev/null 2>&1 || fail "'$*' fails on talus (status $?)"
    [ -s "$stats" ] || fail "'$*' did not run on talus"
}

run_in() { # directory, function
    mkdir -p "$1"
    (
        cd "$1"
        set +e
        ("$2") >output.txt 2>errors.txt
        echo "status $?" >status.txt
    )
}

compare() {
    local begun=$SECONDS
    run_in "$work/system" "$1"
    echo "$1 on the system's malloc: $((SECONDS - begun)) s"
    grep -qx 'status 0' "$work/system/status.txt" ||
        { tail -n 5 "$work/system/errors.txt" >&2; fail "$1 fails on the system's malloc already"; }
    begun=$SECONDS
    rm -f "$stats"
    preloaded_run "$work/talus" "$1"
    echo "$1 on talus: $((SECONDS - begun)) s"
    [ -s "$stats" ] || fail "$1 did not run on talus"
    diff -r "$work/system" "$work/talus" >"$work/difference" ||
        { head -n 20 "$work/difference" >&2; fail "$1 gives another result on talus"; }
    echo "same: $(find "$work/talus" -type f | wc -l) files," \
        "$(du -sb "$work/talus" | cut -f1) bytes"
    rm -rf "$work/system" "$work/talus"
}

preloaded_run() { # in a shell of its own, whose children are preloaded
    (
        export LD_PRELOAD=$TALUS_PRELOAD TALUS_OPTIONS=stats_file=$stats
        run_in "$@"
    )
}
