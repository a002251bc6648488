# Makes of Debian what builds images: the folder upper gets what differs. Env: DEBIAN (its root file system), PACKAGES.
# Mounts are gone with the mount namespace that this runs in.
mkdir upper work root
mount -t overlay overlay -o "lowerdir=$DEBIAN,upperdir=upper,workdir=work" root
mount -t proc proc root/proc
mount --bind /dev root/dev

export DEBIAN_FRONTEND=noninteractive
cp --remove-destination /etc/resolv.conf root/etc/resolv.conf
chroot root apt-get update -q
chroot root apt-get install -qy --no-install-recommends $PACKAGES
rm root/etc/resolv.conf

# Who builds without being root, and which further users are theirs to map.
chroot root useradd --uid 1000 --create-home build
echo build:100000:65536 >root/etc/subuid
echo build:100000:65536 >root/etc/subgid

cd root
rm -rf var/cache/apt/archives/*.deb var/cache/apt/*.bin var/lib/apt/lists/* var/log/*
rm -rf usr/share/doc usr/share/man usr/share/locale usr/share/info
cd ..
umount root/dev root/proc root
rm -rf work root
