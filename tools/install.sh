#!/bin/sh
# Installs on Debian 12 what this project needs. The Makefile calls it; each step can be called by hand.
#
#   tools/install.sh packages NAME...     Debian packages that are not there yet, with apt-get
#   tools/install.sh python FILE          the packages of a requirements file, into .venv
#   tools/install.sh page                 OpenLayers for the page to label in, by npm: that on the PATH, or Debian's
#   tools/install.sh project              this package with its native code, into .venv; asks no index for anything
#
# What apt-get, pip and CMake print goes to build/install.log; its end is shown where a step fails.
set -eu
cd "$(dirname "$0")/.."
log=build/install.log

fail() {
    echo "install: $*" >&2
    exit 1
}

# Runs a command with its output in the log.
logged() {
    echo "+ $*" >> "$log"
    "$@" >> "$log" 2>&1 < /dev/null && return
    tail -n 30 "$log" >&2
    fail "failed: $* (all of its output: $log)"
}

packages() {
    missing=
    for package; do
        # The status of a package that was removed is known, too; "ii" is one that is there whole.
        case $(dpkg-query -W -f '${db:Status-Abbrev}' "$package" 2> /dev/null) in
            ii*) ;;
            *) missing="$missing $package" ;;
        esac
    done
    [ -n "$missing" ] || return 0
    command -v apt-get > /dev/null ||
        fail "apt-get is not there: this set-up is for Debian 12; elsewhere install OTB with its headers by hand"
    as_root=
    if [ "$(id -u)" -ne 0 ]; then
        command -v sudo > /dev/null || fail "neither root nor sudo: run as root once: apt-get install$missing"
        as_root="sudo"
        # Asks for the password here, where the question can be seen.
        sudo -v || fail "sudo refused: run as root once: apt-get install$missing"
    fi
    set -- $missing
    echo "==> Debian packages: $# missing, with what they depend on; takes minutes the first time"
    # Once for both lists of packages, that of the run and that of the tests.
    [ -n "$(find build/apt-updated -mmin -60 2> /dev/null)" ] || logged $as_root apt-get update -q
    touch build/apt-updated
    logged $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "$@"
}

python() {
    [ -x .venv/bin/python ] || {
        echo "==> virtual environment .venv"
        logged /usr/bin/python3 -m venv --system-site-packages .venv
    }
    echo "==> Python packages of $1"
    logged .venv/bin/python -m pip install --disable-pip-version-check -r "$1"
}

project() {
    echo "==> this package and its native code; takes minutes"
    logged .venv/bin/python -m pip install --disable-pip-version-check --no-build-isolation --no-index -e .
}

# The lock file names no registry: npm asks the one that it is set up for, and compares checksums.
page() {
    command -v npm > /dev/null || packages npm
    echo "==> OpenLayers for the page to label in"
    folder=alcd_otb/label/page
    rm -rf build/npm && mkdir -p build/npm "$folder/vendor"
    cp "$folder/package.json" "$folder/package-lock.json" build/npm/
    logged npm ci --prefix build/npm --ignore-scripts --no-audit --no-fund
    # ol.js holds parts of the packages that it depends on.
    for licence in build/npm/node_modules/ol/LICEN* build/npm/node_modules/*/LICEN* build/npm/node_modules/@*/*/LICEN*; do
        [ -f "$licence" ] || continue
        printf '%s\n\n' "== $(basename "$(dirname "$licence")")"
        cat "$licence"
        printf '\n'
    done > "$folder/vendor/LICENSES.txt"
    cp build/npm/node_modules/ol/ol.css build/npm/node_modules/ol/dist/ol.js "$folder/vendor/"
}

mkdir -p build
step=${1:-}
[ $# -gt 0 ] && shift
case $step in
    packages | python | page | project) "$step" "$@" ;;
    *) fail "usage: tools/install.sh packages NAME... | python FILE | page | project" ;;
esac
