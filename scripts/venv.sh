#!/bin/sh
# Makes .venv fit for one purpose: `sh scripts/venv.sh lab|guests|bench|test`.
#
# Done once, then remembered: .venv/.minihv-PURPOSE holds a key of all that the install depends on
# (pyproject.toml, constraints.txt, this folder, this Python), so the next call returns at once.
# .venv/.installing exists exactly while an install runs. Found by the holder of the lock it means
# that the last install was interrupted; what that left cannot be trusted, so .venv is made anew.
set -eu

purpose=${1:?purpose: lab, guests, bench or test}
cd "$(dirname "$0")/.."
venv=.venv
lock=.venv.lock

case $purpose in
    lab) extras= ; serves="lab" ;;
    guests) extras="[guests]" ; serves="lab guests" ;;
    bench) extras="[bench]" ; serves="lab bench" ;;
    test) extras="[guests,containers,test,bench]" ; serves="lab guests bench test" ;;
    *) echo "venv.sh: unknown purpose '$purpose': give lab, guests, bench or test" >&2; exit 2 ;;
esac

# What takes a compiler and half an hour where there is no wheel: better one clear line at once.
ONLY_BINARY=numpy,llvmlite,pyzmq,unicorn,capstone,ziglang

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

# The Pythons that constraints.txt has a ready-made file of each package for.
tested() {
    "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 15))' >/dev/null 2>&1
}

# Print the first tested Python, or else the first that is new enough; $PYTHON, when set, is the
# only candidate.
find_python() {
    for fit in tested new_enough; do
        for candidate in ${PYTHON:-python3 python3.13 python3.12 python3.11 python3.14 python}; do
            if command -v "$candidate" >/dev/null 2>&1 && $fit "$candidate"; then
                echo "$candidate"
                return 0
            fi
        done
    done
    return 1
}

# Wait until no other set-up runs here. The kernel keeps the lock on our descriptor 9, so it goes
# with this process however that ends; the file's text names the holder for those who wait.
take_lock() {
    { true >>$lock; } 2>/dev/null || {
        say "cannot write to $PWD; is the disk full or read-only?"
        exit 1
    }
    exec 9>>$lock
    python=$(find_python) || python=$venv/bin/python
    command -v "$python" >/dev/null 2>&1 || return 0    # make_venv says what is missing
    "$python" - "$purpose" <<'PY'
import fcntl, os, sys
try:
    fcntl.flock(9, fcntl.LOCK_EX | fcntl.LOCK_NB)
except BlockingIOError:
    with open(".venv.lock", encoding="utf-8") as file:
        print("minihv: waiting for", file.read() or "another set-up", "...", file=sys.stderr)
    fcntl.flock(9, fcntl.LOCK_EX)
except OSError:
    pass    # a file system without locks
os.ftruncate(9, 0)
os.write(9, f"process {os.getppid()}, which sets up .venv for '{sys.argv[1]}',".encode())
PY
}

make_venv() {
    python=$(find_python) || {
        say "needs Python 3.11 or newer, found none; get it with: $(how_to_get_python)"
        exit 1
    }
    tested "$python" || say "$("$python" --version) is newer than what minihv is tested with" \
        "(3.11 to 3.14): packages may be missing for it"
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

# Say in one line why pip failed, by its log.
why_pip_failed() {
    case $(cat $venv/pip.log 2>/dev/null) in
        *"Retrying ("*|*"Temporary failure"*|*SSLError*|*"timed out"*)
            say "pip got no answer (see above); check the network, then run the same command again"
            ;;
        *"No matching distribution"*|*"from versions:"*)
            say "a package has no ready-made file for $("$venv/bin/python" --version) on this" \
                "system (see above); one of Python 3.11 to 3.14 helps (PYTHON=python3.12 make ...)," \
                "on Alpine and other systems without glibc conda does (environment.yml)" ;;
        *) say "pip could not install (see above; all of its log: $venv/pip.log)" ;;
    esac
}

install() {
    say "setting up .venv for '$purpose'; the first time takes a minute or two ..."
    touch "$venv/.installing"
    rm -f $venv/pip.log
    # Constraints as variables hold in pip's isolated build environment too (BUILD_: newer pips).
    # Relative, because pip splits the value at spaces, which our own path may have.
    export PIP_CONSTRAINT=constraints.txt PIP_BUILD_CONSTRAINT=constraints.txt
    if ! PIP_ROOT_USER_ACTION=ignore \
        "$venv/bin/python" -m pip install --quiet --no-input --disable-pip-version-check \
        --log $venv/pip.log --progress-bar off --only-binary "$ONLY_BINARY" \
        --retries 5 --timeout 30 --editable ".$extras" </dev/null
    then
        why_pip_failed
        exit 1
    fi
    # No question about news, and no look-up of it, when JupyterLab first opens.
    settings=$venv/share/jupyter/lab/settings
    mkdir -p "$settings"
    echo '{"@jupyterlab/apputils-extension:notification":
 {"fetchNews": "false", "checkForUpdates": false}}' >"$settings/overrides.json"
    rm "$venv/.installing"
}

is_ready() {
    [ ! -e "$venv/.installing" ] && [ -e "$venv/.minihv-$purpose" ] &&
        [ "$(cat "$venv/.minihv-$purpose")" = "$(key_of)" ]
}

if is_ready 2>/dev/null; then exit 0; fi
take_lock
if [ -e "$venv/.installing" ]; then
    say "the last install was interrupted: starting .venv anew"
    make_venv
elif ! new_enough "$venv/bin/python" || ! "$venv/bin/python" -m pip --version >/dev/null 2>&1; then
    make_venv
fi
if ! is_ready; then
    install
    key=$(key_of)
    for served in $serves; do echo "$key" >"$venv/.minihv-$served"; done
fi
