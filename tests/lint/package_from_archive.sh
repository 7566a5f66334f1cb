#!/bin/sh
# ./dev package and ./dev release work in an unpacked archive, where git is not: the sources that dpkg-buildpackage gets are
# complete, nothing of build/, .lab/ or .git comes along, and versions are compared without a tag. dpkg-buildpackage itself is a stand-in that looks at them.
#   package_from_archive.sh SOURCE-FOLDER
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
mkdir -p "$folder/tools" "$folder/archive/build/old" "$folder/archive/.lab/tree"
for name in CMakeLists.txt CMakePresets.json dev cmake core packaging; do cp -r "$1/$name" "$folder/archive/"; done

cat >"$folder/tools/git" <<'TEXT'
#!/bin/sh
echo "there is no git" >&2
exit 1
TEXT
cat >"$folder/tools/dpkg-checkbuilddeps" <<'TEXT'
#!/bin/sh
grep -q '^Build-Depends:' "$1"
TEXT
cat >"$folder/tools/dpkg-buildpackage" <<'TEXT'
#!/bin/sh
set -e
for name in debian/control debian/rules CMakeLists.txt core/domain.cc; do test -f "$name" || { echo "no $name" >&2; exit 1; }; done
for name in build .lab .git; do test ! -e "$name" || { echo "$name came along" >&2; exit 1; }; done
touch ../mtasts_0_all.deb
TEXT
chmod +x "$folder"/tools/*

PATH=$folder/tools:$PATH "$folder/archive/packaging/package.sh"
test -f "$folder/archive/build/package/mtasts_0_all.deb"

python=$(python3 -c "import sys; print(sys.executable)")
PATH=$folder/none "$python" "$1/tests/lint/versions.py" "$1"
