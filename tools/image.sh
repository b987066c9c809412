#!/bin/sh
# Builds the container image, or builds and tests it on a computer that reaches no registry of images.
#
#   tools/image.sh build    with docker, podman or buildah, whichever works here
#   tools/image.sh test     with buildah on a Debian 12 of debootstrap, as root: doctor, the demo and the tests run inside,
#                           by a user without a name, on a read-only root
#
# All of it is in build/image; what the programs print is in build/image/log.
set -eu
cd "$(dirname "$0")/.."
folder=$PWD/build/image
log=$folder/log
mkdir -p "$folder"

fail() {
    echo "image: $*" >&2
    exit 1
}

# Runs a command with its output in the log.
logged() {
    echo "+ $*" >> "$log"
    "$@" >> "$log" 2>&1 < /dev/null && return
    tail -n 30 "$log" >&2
    fail "failed: $* (all of its output: $log)"
}

build() {
    for engine in docker podman buildah; do
        if command -v $engine > /dev/null && $engine info > /dev/null 2>&1; then
            exec $engine build --file Containerfile --target run --tag alcd-otb .
        fi
    done
    fail "docker, podman and buildah do not work here; install one: apt-get install buildah"
}

stored_buildah() {
    buildah --root "$folder/store" --runroot "$folder/store.run" --storage-driver vfs "$@"
}

# The tree of Debian's image debian:bookworm-slim, nearly. The computer's certificates and its index for pip come along.
base() {
    tree=$folder/debian
    [ -x "$tree/bin/sh" ] || logged env DPKG_FORCE=unsafe-io debootstrap --variant=minbase --include=ca-certificates bookworm "$tree"
    mkdir -p "$tree/usr/local/share/ca-certificates"
    cp -r /usr/local/share/ca-certificates/. "$tree/usr/local/share/ca-certificates"
    [ ! -e /etc/pip.conf ] || cp /etc/pip.conf "$tree/etc"
    logged chroot "$tree" update-ca-certificates
    printf 'path-exclude /usr/share/%s/*\n' doc locale man > "$tree/etc/dpkg/dpkg.cfg.d/slim"
    echo force-unsafe-io > "$tree/etc/dpkg/dpkg.cfg.d/docker-apt-speedup"
    rm -rf "$tree"/var/lib/apt/lists/* "$tree"/var/cache/apt/* "$tree"/usr/share/doc "$tree"/usr/share/locale "$tree"/usr/share/man
    mkdir -p "$folder/context"
    tar -C "$tree" -cf "$folder/context/debian.tar" .
    printf 'FROM scratch\nADD debian.tar /\n' > "$folder/context/Containerfile"
    logged stored_buildah build --tag debian:bookworm-slim "$folder/context"
}

# Makes an image of a stage, and names the folder of its files: stage STAGE IMAGE [OPTION...]
stage() {
    target=$1 image=$2
    shift 2
    echo "==> image $image"
    logged stored_buildah build --isolation chroot --pull-never --file Containerfile --target "$target" --tag "$image" "$@" .
    stored_buildah from --pull-never --name "$image-files" "$image" > /dev/null
}

# Runs a command in an image as docker does with --read-only, --user 4321:4321 and --volume HERE:/data.
inside() {
    tree=$1
    shift
    # shellcheck disable=SC2016 # The inner shell expands it.
    unshare --mount --propagation private sh -c '
        set -eu
        tree=$1 data=$2
        shift 2
        mount --bind "$tree" "$tree"
        mount -t proc proc "$tree/proc"
        mount --rbind /dev "$tree/dev"
        mount --bind "$data" "$tree/data"
        mount -o remount,bind,ro "$tree"
        exec chroot --userspec=4321:4321 "$tree" /usr/bin/env --ignore-environment --chdir=/data LC_ALL=C.UTF-8 \
            PATH=/opt/alcd_otb/bin:/usr/local/bin:/usr/bin:/bin PYTHONDONTWRITEBYTECODE=1 "$@"
    ' sh "$tree" "$folder/data" "$@"
}

# Runs the demo in the image, then by the installation of this checkout if there is one: both must make the same map.
compare_demos() {
    map=latest/labels.tif
    inside "$1" alcd-otb demo --json demo > "$folder/data/demo.json" 2>> "$log" || fail "the demo failed (all of its output: $log)"
    sed 's/.*"truth"/demo inside: "truth"/' "$folder/data/demo.json"
    [ -x .venv/bin/alcd-otb ] || return 0
    logged .venv/bin/alcd-otb demo "$folder/outside"
    for made in "$folder"/data/demo/*/"$map"; do
        cmp "$made" "$folder/outside/${made#"$folder/data/demo/"}" || fail "the demo's map differs from that outside"
    done
    echo "demo outside: the same map, byte by byte"
}

test_image() {
    [ "$(id -u)" -eq 0 ] || fail "the test mounts folders: run it as root"
    tools/install.sh packages buildah debootstrap
    # The build would install Debian's npm for it, which takes minutes.
    [ -f alcd_otb/label/page/vendor/ol.js ] || tools/install.sh page
    rm -rf "$folder"
    mkdir -p "$folder/data"
    chown 4321:4321 "$folder/data"
    echo "==> Debian 12"
    base
    stage run alcd-otb
    files=$(stored_buildah mount alcd-otb-files)
    echo "size: $(du -sm "$files" | cut -f 1) MB"
    # shellcheck disable=SC2016 # The inner shell expands it.
    inside "$files" sh -c 'echo "user $(id -u), group $(id -g)" && grep "^[^ ]* / [^ ]* ro," /proc/mounts'
    inside "$files" alcd-otb doctor
    compare_demos "$files"
    stage test alcd-otb-test --build-arg TESTED=localhost/alcd-otb
    # Left out: what needs a compiler, QGIS, the sources under git, or the tools of the documentation.
    inside "$(stored_buildah mount alcd-otb-test-files)" python -m pytest -c /src/pyproject.toml -p no:cacheprovider \
        --basetemp /data/tests -n 2 --dist loadfile -q --ignore-glob '/src/tests/test_*.py' \
        /src/tests --ignore /src/tests/docs --ignore /src/tests/faults --ignore /src/tests/native \
        --ignore /src/tests/packaging --ignore /src/tests/qgis
}

case ${1:-} in
    build) build ;;
    test) test_image ;;
    *) fail "usage: tools/image.sh build | test" ;;
esac
