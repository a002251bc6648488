# Makes a minimal Debian in the folder root. Env: SUITE, PACKAGES.
debootstrap --variant=minbase --include="$PACKAGES" "$SUITE" root
cd root
rm -rf var/cache/apt/archives/*.deb var/cache/apt/*.bin var/lib/apt/lists/* var/log/*
rm -rf usr/share/doc usr/share/man usr/share/locale usr/share/info # what only people read
