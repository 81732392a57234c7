# need_venv: a Python environment of the tests' own, with exactly these packages. Sourced, after common.sh.
# Where PyPI can't be reached it returns 1; the caller says what is skipped (with CI=true that is a failure).
need_venv() {
    venv="$PWD/.build/test-venv"
    local wanted="scitt-cose==0.5.0 cryptography==48.0.0 cbor2"
    if [ "$(cat "$venv/packages" 2>/dev/null)" != "$wanted" ]; then
        rm -rf "$venv"
        mkdir -p .build
        step "Python environment: $wanted"
        # shellcheck disable=SC2086
        python3 -m venv "$venv" && "$venv/bin/pip" install --quiet --disable-pip-version-check $wanted || return 1
        echo "$wanted" >"$venv/packages"
    fi
    python="$venv/bin/python"
}
