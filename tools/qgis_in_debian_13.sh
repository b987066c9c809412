#!/bin/sh
# Labels and runs in the QGIS of Debian 13 with the plug-in, while all else is this computer's. As root; 3 GB on the disk.
#
#   tools/qgis_in_debian_13.sh ROOT [ARGUMENT OF PYTEST...]
#
# ROOT is a folder into which debootstrap puts a Debian 13 with QGIS; what is there already is used and completed. It sees
# this computer's files in a mount namespace of its own, which ends with the script.
#
# Debian 13 has no OTB, so alcd_otb cannot run in it. The tests set the plug-in's setting "program" to a script that
# leaves ROOT by chroot, and starts alcd_otb with the Python and OTB of this computer.
set -eu
cd "$(dirname "$0")/.."
mkdir -p "$1"
root=$(realpath "$1")
shift

# Packages being installed in ROOT, and QGIS, write temporary files where this computer's programs do.
temporary=${TMPDIR:-/tmp}
mkdir -p "$root/host" "$root/proc" "$root/dev" "$root/$PWD" "$root/$temporary"
if [ ! -e "$root/qgis-is-installed" ]; then
    # What was interrupted is finished.
    [ -x "$root/usr/bin/apt-get" ] && [ ! -d "$root/debootstrap" ] ||
        debootstrap --variant=minbase trixie "$root" http://deb.debian.org/debian
    chroot "$root" apt-get update -q
    chroot "$root" dpkg --configure -a
    chroot "$root" env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends qgis fonts-dejavu-core
    touch "$root/qgis-is-installed"
fi
chroot "$root" dpkg-query -W qgis
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
