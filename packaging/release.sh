#!/bin/sh
# ./dev release: what is published of a release, in build/dist: source archive, Debian packages, source package, SBOM, checksums.
# The version is that of CMakeLists.txt, with which changelogs, RPM spec and tag must agree (tests/lint/versions.py).
set -eu
cd "$(dirname "$0")/.."
python3 tests/lint/versions.py .
# In a clone, what is released is what is committed. An unpacked archive has no history.
if [ -e .git ]; then
  changed=$(git status --porcelain)
  [ -z "$changed" ] || { printf '%s\n' "./dev release: commit or remove these first, they would be released:" "$changed" >&2; exit 1; }
  git describe --tags --exact-match --match 'v[0-9]*' >/dev/null 2>&1 || echo "./dev release: this commit has no tag; the version is that of CMakeLists.txt" >&2
fi
version=$(sed -n 's/^project(mtasts VERSION \([0-9.]*\) .*/\1/p' CMakeLists.txt)

packaging/package.sh
rm -rf build/dist
mkdir -p build/dist
name=mtasts-$version
# The tree that the packages were built from; their own date and nobody's name, so that the same sources make the same archive.
date=$(dpkg-parsechangelog -l packaging/debian/changelog -S Timestamp)
tar -c --exclude=./build --exclude=./.lab --exclude=./.git --exclude=__pycache__ --exclude=.mypy_cache --sort=name --mtime="@$date" --owner=0 --group=0 --numeric-owner \
  --mode=go+rX,go-w --transform "s,^\.,$name," . | xz -6 >"build/dist/$name.tar.xz"
for file in build/package/*.deb build/package/*.dsc build/package/*.tar.xz build/package/*.buildinfo build/package/*.changes; do
  cp "$file" build/dist/
done
python3 packaging/sbom.py build/package "$version" "build/dist/$name.tar.xz" >"build/dist/$name.spdx.json"
(cd build/dist && sha256sum -- * >SHA256SUMS)
echo "Made: $(ls build/dist | tr '\n' ' ')in build/dist"
