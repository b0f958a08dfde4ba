# testing.sh: builds presets and runs their tests with one line per test. Sourced by tools/test and tools/soak; needs $root.

passed=0 failed=0 skipped=0
failures=()

# What ctest says besides its verdicts; everything else it prints is the output of a failed test.
ctest_chatter='^( *Start +[0-9]+:|Test project|Internal ctest|The following tests|[0-9]+% tests|Total Test'
ctest_chatter+='|Label Time|Errors while|Output from these|Use "--rerun|.*sec\*proc|[[:space:]]+[0-9]+ - |$)'

say() {
    printf '== %s\n' "$*"
}

# One line for a step or test: verdict, preset, name, seconds.
line() {
    printf '%-8s %-8s %-44s %6s s\n' "$@"
}

count() { # verdict preset name
    case $1 in
    passed) passed=$((passed + 1)) ;;
    skipped) skipped=$((skipped + 1)) ;;
    *)
        failed=$((failed + 1))
        failures+=("$2 $3: $1")
        ;;
    esac
}

# build PRESET [cmake arguments...]: configures and builds; what was printed is shown when it fails, and then it counts as a test.
build() {
    local preset=$1 start=$SECONDS log
    shift
    log=$(mktemp) || exit 1
    if (cd "$root" && cmake --preset "$preset" "$@" && cmake --build --preset "$preset") >"$log" 2>&1 </dev/null; then
        line built "$preset" "" $((SECONDS - start))
    else
        grep -E -A 12 'error|FAILED|Error' "$log" | head -n 60
        line FAILED "$preset" build $((SECONDS - start))
        count FAILED "$preset" build
        rm -f "$log"
        return 1
    fi
    rm -f "$log"
}

# run PRESET [ctest arguments...]: one line per test, the output of those that fail in front of their line.
run() {
    local preset=$1 text verdict status before=$((passed + failed + skipped)) failed_before=$failed
    shift
    while IFS= read -r text; do
        if [[ $text =~ ^\ *[0-9]+/[0-9]+\ Test\ +#[0-9]+:\ ([^ ]+)\ \.*\ *(.*[^0-9. ])\ +([0-9.]+)\ sec ]]; then
            case ${BASH_REMATCH[2]} in
            *Passed*) verdict=passed ;;
            *Skipped* | *Disabled*) verdict=skipped ;;
            *Timeout*) verdict=TIMEOUT ;;
            *) verdict=FAILED ;;
            esac
            line "$verdict" "$preset" "${BASH_REMATCH[1]}" "${BASH_REMATCH[3]}"
            count "$verdict" "$preset" "${BASH_REMATCH[1]}"
        elif [[ $text =~ ^\ *[0-9]+/[0-9]+\ Test\ +#[0-9]+:\ ([^ ]+) ]]; then
            line FAILED "$preset" "${BASH_REMATCH[1]}" -
            count "not run" "$preset" "${BASH_REMATCH[1]}"
        elif [[ ! $text =~ $ctest_chatter ]]; then
            printf '    | %s\n' "$text"
        fi
    done < <(cd "$root" && ctest --test-dir "build/$preset" --output-on-failure -j 2 "$@" 2>&1 </dev/null)
    wait $!
    status=$?
    if [ $((passed + failed + skipped)) = "$before" ]; then
        line FAILED "$preset" "no test ran: ctest $*" 0
        count "no test ran" "$preset" "ctest $*"
    elif [ $status != 0 ] && [ $failed = "$failed_before" ]; then # it was stopped, or said something that was not understood
        line FAILED "$preset" "ctest ended with status $status" 0
        count "ended with status $status" "$preset" "ctest $*"
    fi
}

# step PRESET NAME COMMAND...: a command counts as a test; its output is shown when it fails.
step() {
    local preset=$1 name=$2 start=$SECONDS verdict=passed log
    shift 2
    log=$(mktemp) || exit 1
    "$@" >"$log" 2>&1 </dev/null || verdict=FAILED
    [ $verdict = passed ] || tail -n 60 "$log" | sed 's/^/    | /'
    line $verdict "$preset" "$name" $((SECONDS - start))
    count $verdict "$preset" "$name"
    rm -f "$log"
}

# The last line is for machines as much as for people.
summary() {
    local name
    echo
    for name in "${failures[@]}"; do
        echo "failed: $name"
    done
    echo "$((SECONDS / 60)) min $((SECONDS % 60)) s"
    if [ $skipped -gt 0 ]; then
        echo "$passed passed, $failed failed, $skipped skipped"
    else
        echo "$passed passed, $failed failed"
    fi
    [ $failed = 0 ] && [ $passed -gt 0 ]
}
