#!/bin/sh
# The RPMs as far as a Debian machine can make them: rpmbuild packs what a build folder has, with Fedora's macros stood in for,
# rpmlint looks at spec and packages, and they are installed into an empty root without their scripts. Not tried here: that Fedora
# has the build dependencies by these names, its own macros, its compiler's flags.
#
#   tests/rpm.sh BUILD-FOLDER RESULT-FOLDER       needs the packages rpm, rpmlint, cmake, xz-utils
set -eu
source=$(cd "$(dirname "$0")/.." && pwd)
build=$(cd "$1" && pwd)
mkdir -p "$2"
result=$(cd "$2" && pwd)
version=$(sed -n 's/^Version: *//p' "$source/packaging/rpm/mtasts.spec")
libdir=$(sed -n 's/^CMAKE_INSTALL_LIBDIR:[A-Z]*=//p' "$build/CMakeCache.txt")

mkdir -p "$result/SOURCES"
tar -c -C "$source" --exclude=./build --exclude=./.lab --exclude=./.git --transform "s,^\.,mtasts-$version," . | xz -0 >"$result/SOURCES/mtasts-$version.tar.xz"
cat >"$result/macros" <<TEXT
%_topdir $result
%dist .lab
%_libdir /usr/$libdir
%_unitdir /usr/lib/systemd/system
%_sysusersdir /usr/lib/sysusers.d
%_tmpfilesdir /usr/lib/tmpfiles.d
%_docdir /usr/share/doc
%cmake true
%cmake_build true
%cmake_install DESTDIR=%{buildroot} cmake --install $build --prefix /usr && rm -f %{buildroot}%{_libdir}/mtasts/engine-gnutls.so \
  && mv %{buildroot}/usr/share/zsh/vendor-completions %{buildroot}/usr/share/zsh/site-functions
%sysusers_create_compat() %(awk '/^u / {print "useradd --system", \$2}' %1)
%tmpfiles_create() :
%systemd_post() :
%systemd_preun() :
%systemd_postun() :
%systemd_postun_with_restart() :
%debug_package %{nil}
%_build_id_links none
TEXT
cp "$source/packaging/rpm/mtasts.spec" "$result/"
cp "$source/packaging/systemd/mtasts.sysusers" "$result/SOURCES/"
rpmbuild --nodeps -ba --load "$result/macros" "$result/mtasts.spec"

echo "== rpmlint"
rpmlint --rpmlintrc "$source/packaging/rpm/mtasts.rpmlintrc" "$result/mtasts.spec" "$result"/SRPMS/*.rpm "$result"/RPMS/*/*.rpm || failed=yes

echo "== installed into an empty root"
rm -rf "$result/root"
mkdir -p "$result/root"
rpm --root "$result/root" --initdb
rpm --root "$result/root" --force-debian --nodeps --noscripts -i "$result"/RPMS/*/*.rpm
rpm --root "$result/root" -Va --nodeps --noscripts
(cd "$result/root" && find usr -type f | sort) >"$result/files"
wc -l <"$result/files"

echo "== scripts"
# script PACKAGE KIND: as rpm would hand it to the shell.
script() {
  rpm -qp --scripts "$result"/RPMS/*/"$1"-"$version"-*.rpm | sed -n "/^$2 scriptlet/,/scriptlet (/p" | sed 1d | sed '/scriptlet (/d'
}
script mtasts preinstall | grep -qx 'useradd --system _mtasts' || { echo "mtasts: %pre does not make the user" >&2; failed=yes; }
for package in mtastsd mtasts-module mtasts-opensmtpd; do
  # shellcheck disable=SC2016  # the script's own variable
  script "$package" preuninstall | grep -qFx "[ \$1 -ne 0 ] || /usr/share/mtasts/still-used $package || :" ||
    { echo "$package: %preun does not say who is left without it" >&2; failed=yes; }
done
script mtasts-exim postinstall | grep -qFx "  chgrp exim /var/lib/mtasts" || { echo "mtasts-exim: %post does not let Exim read the store" >&2; failed=yes; }
for package in mtasts mtastsd mtasts-opensmtpd mtasts-exim; do
  for kind in preinstall postinstall preuninstall postuninstall posttrans; do script "$package" "$kind" | sh -n; done
done
[ -z "${failed:-}" ]
