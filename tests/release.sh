#!/bin/sh
# ./dev release, and the same once more from the source archive that it made, in another folder: the checksums must be right, and the
# packages, source package and archive the same to the byte.
#
#   sudo tests/suites.sh trixie -- test-release      in a fresh root
set -eu
cd "$(dirname "$0")/.."
./dev release
(cd build/dist && sha256sum --quiet -c SHA256SUMS)
again=$(mktemp -d)
trap 'rm -rf "$again"' EXIT
tar -xf build/dist/mtasts-*[0-9].tar.xz -C "$again"
(cd "$again"/mtasts-* && ./dev release)
# What says when and on which machine it was built differs.
differing=0
for file in build/dist/*.deb build/dist/*.dsc build/dist/*.tar.xz build/dist/*.spdx.json; do
  cmp "$file" "$again"/mtasts-*/build/dist/"$(basename "$file")" || differing=1
done
[ "$differing" -eq 0 ]
echo "The same twice: $(find build/dist -name '*.deb' | wc -l) packages, source package, archive, SBOM."
