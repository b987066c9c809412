#!/bin/sh
# Labels and runs in the QGIS of Debian 13 with the plug-in, while all else is this computer's. As root; 2 GB on the disk.
#
#   tools/qgis_in_debian_13.sh ROOT [ARGUMENT OF PYTEST...]
#
# ROOT is a folder into which debootstrap puts a Debian 13 with QGIS, unless it is there. It sees this computer's files in
# a mount namespace of its own, which ends with the script.
set -eu
cd "$(dirname "$0")/.."
root=$(realpath -m "$1")
shift

if [ ! -x "$root/usr/bin/qgis" ]; then
    [ -d "$root/usr" ] || debootstrap --variant=minbase trixie "$root" http://deb.debian.org/debian
    chroot "$root" apt-get update -q
    chroot "$root" env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends qgis fonts-dejavu-core
fi
chroot "$root" dpkg-query -W qgis
temporary=${TMPDIR:-/tmp}
mkdir -p "$root/host" "$root/proc" "$root/dev" "$root/$PWD" "$root/$temporary"
export ALCD_OTB_QGIS_ROOT="$root"
exec unshare --mount --propagation private sh -c '
    set -eu
    root=$1 checkout=$2 temporary=$3
    shift 3
    mount --rbind / "$root/host"
    mount --rbind /proc "$root/proc"
    mount --rbind /dev "$root/dev"
    mount --bind "$checkout" "$root/$checkout"
    mount --bind "$temporary" "$root/$temporary"
    exec .venv/bin/python -m pytest -m qgis_desktop tests/qgis "$@"
' sh "$root" "$PWD" "$temporary" "$@"
