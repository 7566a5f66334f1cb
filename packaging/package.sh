#!/bin/sh
# ./dev package: builds the Debian packages from the committed tree into build/package.
set -eu
cd "$(dirname "$0")/.."
command -v dh >/dev/null || apt-get install -q -y --no-install-recommends debhelper
rm -rf build/package
mkdir -p build/package/mtasts
git archive HEAD | tar -x -C build/package/mtasts
cp -r packaging/debian build/package/mtasts/debian
cd build/package/mtasts
dpkg-buildpackage -us -uc -b
ls ../*.deb
