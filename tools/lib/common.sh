# Shared by the scripts in tools/: steps with their times, and the installation of Debian's packages.
# Sourced, never run.

if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then
    bold=$'\e[1m' dim=$'\e[2m' red=$'\e[31m' green=$'\e[32m' plain=$'\e[0m'
else
    bold='' dim='' red='' green='' plain=''
fi

# step TEXT: says what begins, and how long it has been since the start.
step() { printf '%s==> %s%s %s(%d s)%s\n' "$bold" "$*" "$plain" "$dim" "$SECONDS" "$plain"; }

# fail TEXT: says what is wrong and what to do, and ends the script.
fail() {
    printf '%serror:%s %s\n' "$red" "$plain" "$*" >&2
    exit 1
}

# need_packages PACKAGE...: installs what is missing, or says how to.
need_packages() {
    local missing=() package
    for package in "$@"; do
        dpkg-query -W -f='${Status}\n' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
    done
    [ ${#missing[@]} -eq 0 ] && return 0
    command -v apt-get >/dev/null ||
        fail "these Debian packages are missing: ${missing[*]}. This script installs them with apt-get, which is not here."
    local as_root=()
    if [ "$(id -u)" -ne 0 ]; then
        sudo -n true 2>/dev/null ||
            fail "these Debian packages are missing: ${missing[*]}. Install them first: sudo apt-get install ${missing[*]}"
        as_root=(sudo -n)
    fi
    step "installing ${missing[*]}"
    local log
    log=$(mktemp)
    if ! { "${as_root[@]}" apt-get update -qq &&
        DEBIAN_FRONTEND=noninteractive "${as_root[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}"; } \
        >"$log" 2>&1; then
        tail -n 15 "$log" >&2
        rm -f "$log"
        fail "apt-get could not install ${missing[*]} (its last words are above)"
    fi
    rm -f "$log"
}

# need_swift: the toolchain is the one thing that is not a Debian package.
need_swift() {
    command -v swift >/dev/null ||
        fail "swift is not on the PATH. Holdfast needs Swift 6.3 or newer: https://www.swift.org/install/linux/"
    local version
    version=$(swift --version 2>/dev/null | sed -n 's/.*Swift version \([0-9]*\.[0-9]*\).*/\1/p' | head -n 1)
    case "$version" in
        [0-5].* | 6.[0-2]) fail "this is Swift $version; Holdfast needs 6.3 or newer" ;;
    esac
}
