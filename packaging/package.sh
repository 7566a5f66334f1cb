#!/bin/sh
# ./dev package: builds the Debian packages from this folder, a clone or an unpacked archive, into build/package.
set -eu
cd "$(dirname "$0")/.."

if [ "$(id -u)" -eq 0 ]; then
  export DEBIAN_FRONTEND=noninteractive
  if ! dpkg-checkbuilddeps packaging/debian/control 2>/dev/null; then  # not there or not content
    apt-get update -q
    apt-get build-dep -q -y --no-install-recommends ./packaging
  fi
elif ! command -v dpkg-buildpackage >/dev/null; then
  echo "./dev package: dpkg-dev is missing and only root can install it" >&2
  exit 1
fi

rm -rf build/package
mkdir -p build/package/mtasts
tar -c --exclude=./build --exclude=./.lab --exclude=./.git --exclude=__pycache__ --exclude=.mypy_cache . | tar -x -C build/package/mtasts
cp -r packaging/debian build/package/mtasts/debian
# Without a trace of when and where it was unpacked: the same sources make the same packages.
date=$(dpkg-parsechangelog -l packaging/debian/changelog -S Timestamp)
find build/package/mtasts -exec touch -h -d "@$date" {} +
(cd build/package/mtasts && dpkg-buildpackage -us -uc)
if command -v lintian >/dev/null; then
  echo "== lintian"
  # For the maintainer to read; the packages are good to try, whatever it says.
  lintian --fail-on error,warning --profile debian build/package/mtasts_*.changes || echo "./dev package: lintian exited with $?, see above" >&2
fi
echo "Built: $(echo build/package/*.deb)"
echo "To install, with the part for your mail server:
  apt install ./build/package/{mtasts,mtasts-engine-openssl,mtastsd}_*.deb                    # Postfix, Sendmail, exim4-daemon-light
  apt install ./build/package/{mtasts,mtasts-engine-openssl,mtasts-module,mtasts-exim}_*.deb  # exim4-daemon-heavy
  apt install ./build/package/{mtasts,mtasts-engine-openssl,mtasts-opensmtpd}_*.deb           # OpenSMTPD"
