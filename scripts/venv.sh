#!/bin/sh
# Makes .venv fit for one purpose: `sh scripts/venv.sh lab|guests|bench|test`.
#
# Done once, then remembered: .venv/.minihv-PURPOSE holds a key of all that the install depends on
# (pyproject.toml, constraints.txt, this folder, this Python), so the next call returns at once.
# .venv/.installing exists exactly while an install runs. Found at the start it means that the last
# one was interrupted; what it left cannot be trusted, so .venv is made anew.
set -eu

purpose=${1:?purpose: lab, guests, bench or test}
cd "$(dirname "$0")/.."
venv=.venv

case $purpose in
    lab) extras= ; serves="lab" ;;
    guests) extras="[guests]" ; serves="lab guests" ;;
    bench) extras="[bench]" ; serves="lab bench" ;;
    test) extras="[guests,containers,test,bench]" ; serves="lab guests bench test" ;;
    *) echo "venv.sh: unknown purpose '$purpose': give lab, guests, bench or test" >&2; exit 2 ;;
esac

say() { echo "minihv: $*" >&2; }

# The command that brings Python with venv on this system, as far as can be guessed.
how_to_get_python() {
    if command -v apt-get >/dev/null 2>&1; then echo "apt install python3 python3-venv"
    elif command -v dnf >/dev/null 2>&1; then echo "dnf install python3.12"
    elif command -v pacman >/dev/null 2>&1; then echo "pacman -S python"
    elif command -v apk >/dev/null 2>&1; then echo "apk add python3"
    elif command -v zypper >/dev/null 2>&1; then echo "zypper install python312"
    elif command -v brew >/dev/null 2>&1; then echo "brew install python"
    else echo "install Python 3.11 or newer, with its venv module"
    fi
}

new_enough() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1
}

# Prints the first Python that is new enough; $PYTHON, when set, is the only candidate.
find_python() {
    for candidate in ${PYTHON:-python3 python3.13 python3.12 python3.11 python3.14 python}; do
        if command -v "$candidate" >/dev/null 2>&1 && new_enough "$candidate"; then
            echo "$candidate"
            return 0
        fi
    done
    return 1
}

make_venv() {
    python=$(find_python) || {
        say "needs Python 3.11 or newer, found none; get it with: $(how_to_get_python)"
        exit 1
    }
    "$python" -c 'import venv, ensurepip' >/dev/null 2>&1 || {
        say "$python has no venv or ensurepip module; get it with: $(how_to_get_python)"
        exit 1
    }
    "$python" -m venv --clear "$venv" || {
        say "$python could not make $venv (see above); is the disk full or read-only?"
        exit 1
    }
}

key_of() {
    "$venv/bin/python" - pyproject.toml constraints.txt scripts/venv.sh <<'PY'
import hashlib, os, sys
digest = hashlib.sha256(f"{sys.version} {os.getcwd()}".encode())
for name in sys.argv[1:]:
    with open(name, "rb") as file:
        digest.update(file.read())
print(digest.hexdigest())
PY
}

install() {
    say "setting up .venv for '$purpose'; the first time takes a minute or two ..."
    touch "$venv/.installing"
    # Constraints as variables hold in pip's isolated build environment too (BUILD_: newer pips).
    export PIP_CONSTRAINT="$PWD/constraints.txt" PIP_BUILD_CONSTRAINT="$PWD/constraints.txt"
    if ! PIP_ROOT_USER_ACTION=ignore \
        "$venv/bin/python" -m pip install --quiet --no-input --disable-pip-version-check \
        --retries 5 --timeout 30 --editable ".$extras" </dev/null
    then
        say "pip could not install (see above); check the network, then run the same command again"
        exit 1
    fi
    # No question about news, and no look-up of it, when JupyterLab first opens.
    settings=$venv/share/jupyter/lab/settings
    mkdir -p "$settings"
    echo '{"@jupyterlab/apputils-extension:notification":
 {"fetchNews": "false", "checkForUpdates": false}}' >"$settings/overrides.json"
    rm "$venv/.installing"
}

if [ -e "$venv/.installing" ]; then
    say "the last install was interrupted: starting .venv anew"
    make_venv
elif ! new_enough "$venv/bin/python" || ! "$venv/bin/python" -m pip --version >/dev/null 2>&1; then
    make_venv
fi

key=$(key_of)
if [ "$(cat "$venv/.minihv-$purpose" 2>/dev/null)" != "$key" ]; then
    install
    for served in $serves; do echo "$key" >"$venv/.minihv-$served"; done
fi
