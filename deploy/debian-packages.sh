#!/bin/sh
# Installs those of the named Debian packages that are missing, as root or by sudo; where neither is possible, or this
# is no Debian, says in one line what to install and goes on, for the caller knows whether it can do without.
#   sh deploy/debian-packages.sh tesseract-ocr
set -eu
missing=""
for package in "$@"; do
  if [ "$package" = tesseract-ocr ] && command -v tesseract >/dev/null 2>&1; then continue; fi
  if [ "$package" = chromium ] && [ -x /usr/bin/chromium ]; then continue; fi
  if [ "$(dpkg-query -W -f '${Status}' "$package" 2>/dev/null)" = "install ok installed" ]; then continue; fi
  missing="$missing $package"
done
[ -n "$missing" ] || exit 0
if ! command -v apt-get >/dev/null 2>&1; then
  echo "please install with your system's package manager:$missing" >&2
  exit 0
fi
if [ "$(id -u)" = 0 ]; then
  as_root=""
elif command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then
  as_root="sudo -n"
else
  echo "not root, and sudo wants a password: please run 'apt-get install$missing' as root" >&2
  exit 0
fi
# Two targets of one `make -j` may come here at once, and apt-get does not wait for another one.
exec 9>"${TMPDIR:-/tmp}/debian-packages.$(id -u).lock"
flock 9
log=$(mktemp)
install_missing() {
  # shellcheck disable=SC2086
  $as_root env DEBIAN_FRONTEND=noninteractive apt-get update -q >"$log" 2>&1 </dev/null &&
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $missing >>"$log" 2>&1 </dev/null
}
echo "installing$missing"
if ! install_missing; then
  tail -n 3 "$log" >&2
  echo "apt-get could not install$missing: install it by hand and run this again" >&2
fi
rm -f "$log"
