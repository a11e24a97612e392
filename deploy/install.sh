#!/bin/sh
# Installs the edge agent as a systemd service; see --help. Safe to run again: that is how one upgrades.
set -eu
umask 022 # the agent runs as a user that owns nothing of this

prefix=/opt/edge-agent
settings=/etc/edge-agent
unit=/etc/systemd/system/edge-agent.service
program=/usr/local/bin/edge-agent
state=/var/lib/edge-agent
source=$(cd "$(dirname "$0")/.." && pwd)

usage() {
    cat <<EOF
Usage: sudo deploy/install.sh [--remove] [--help]

Installs the edge agent from this folder on 64-bit Debian 12 or later, Raspberry Pi OS (64-bit) or Ubuntu 24.04 or later:
  $prefix          program, in a virtual environment of its own
  $settings          configuration; what is there stays as it is
  $unit
  $program

Run it again to upgrade: a running agent is restarted, its data ($state) stay.

  --remove   take away all of this but $settings and $state
  --help     this text

PYTHON=/path/to/python takes that interpreter (3.11 or later) instead of python3.
EOF
}

fail() { # fail WHAT TRY
    echo "Error: $1" >&2
    echo "Try: $2" >&2
    exit 1
}

need_root() {
    [ "$(id -u)" = 0 ] || fail "only root can install a service" "sudo deploy/install.sh"
}

booted() { # false where an image is being built
    [ -d /run/systemd/system ]
}

remove() {
    need_root
    [ ! -e "$unit" ] || systemctl --quiet disable edge-agent.service
    ! booted || systemctl stop edge-agent.service
    rm -f "$unit" "$program"
    rm -rf "$prefix"
    ! booted || systemctl daemon-reload
    echo "edge-agent is removed; $settings and $state are left"
}

check_system() {
    case $(uname -s)-$(uname -m)-$(getconf LONG_BIT) in
        Linux-x86_64-64 | Linux-aarch64-64) ;;
        Linux-*-32) fail "this is a 32-bit system ($(uname -m) kernel); onnxruntime and numpy exist for 64-bit ones only" \
            "Raspberry Pi OS (64-bit), which runs on a Raspberry Pi 3, Zero 2 W and later" ;;
        *) fail "no build of onnxruntime for $(uname -s) on $(uname -m)" "Linux on x86_64 or aarch64" ;;
    esac
    command -v systemctl >/dev/null || fail "this system has no systemd" "edge-agent run CONFIG under a supervisor of yours"
}

find_python() { # sets $python
    python=${PYTHON:-python3}
    if [ -z "${PYTHON:-}" ] && ! "$python" -c 'import ensurepip, venv' 2>/dev/null && command -v apt-get >/dev/null; then
        apt-get update -qq || true # an old list may still do
        DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends python3 python3-venv >/dev/null
    fi
    "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null ||
        fail "$python is $("$python" --version 2>&1 || true); 3.11 or later is needed" "PYTHON=/path/to/python3.11 deploy/install.sh"
    "$python" -c 'import sys; sys.exit(sys.maxsize < 2**32)' || fail "$python is a 32-bit Python" "a 64-bit operating system"
    "$python" -c 'import ensurepip, venv' 2>/dev/null || fail "$python has no venv module" "apt-get install python3-venv"
}

install_program() {
    "$prefix/bin/python" -c 'import pip' 2>/dev/null || "$python" -m venv --clear "$prefix"
    "$prefix/bin/python" -m pip install --quiet --no-deps --require-hashes \
        -r "$source/requirements/build.txt" -r "$source/requirements/run.txt"

    copy=$(mktemp -d) # a build leaves files behind, and the source may belong to somebody
    trap 'rm -rf "$copy"' EXIT
    mkdir "$copy/models"
    cp -r "$source/edge_agent" "$source/pyproject.toml" "$source/README.md" "$source/LICENSE" "$copy"
    [ ! -d "$source/models/default" ] || cp -r "$source/models/default" "$copy/models"
    "$prefix/bin/python" -m pip install --quiet --no-deps --no-build-isolation --force-reinstall "$copy"

    mkdir -p "$(dirname "$program")"
    ln -sf "$prefix/bin/edge-agent" "$program"
}

install_settings() { # sets $fresh
    fresh=no
    mkdir -p "$settings"
    if [ ! -e "$settings/edge-agent.toml" ]; then
        install -m 644 "$source/deploy/edge-agent.toml" "$settings/edge-agent.toml"
        fresh=yes
    fi
}

install_service() {
    install -m 644 "$source/systemd/edge-agent.service" "$unit"
    ! booted || systemctl daemon-reload
    systemctl --quiet enable edge-agent.service
    if [ "$fresh" = yes ]; then
        cat <<EOF
edge-agent $("$program" --version | sed 's/.* //') is installed. Next:
  1. put your broker and your machines into $settings/edge-agent.toml
  2. a broker password, if there is one:
       sudo install -D -m 600 /dev/stdin /etc/credstore/mqtt-password
  3. edge-agent check-config && sudo systemctl start edge-agent
EOF
    else
        ! booted || systemctl try-restart edge-agent.service
        echo "edge-agent $("$program" --version | sed 's/.* //') is installed; $settings is as it was"
    fi
}

case ${1:-} in
    --help | -h)
        usage
        exit 0
        ;;
    --remove)
        remove
        exit 0
        ;;
    "") ;;
    *)
        usage >&2
        exit 2
        ;;
esac
check_system
need_root
find_python
install_program
install_settings
install_service
