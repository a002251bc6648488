#!/bin/sh
# Makes what is beside it: keys that are for tests alone, and commits that the real git, ssh-keygen and gpg signed with them. Keys are made
# anew each time, so there is no need to run it again.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
export HOME="$work" GNUPGHOME="$work/gnupg" GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1 LC_ALL=C TZ=UTC
export GIT_AUTHOR_NAME=Ada GIT_AUTHOR_EMAIL=ada@example.com GIT_COMMITTER_NAME=Ada GIT_COMMITTER_EMAIL=ada@example.com
mkdir -m 700 "$GNUPGHOME"
trap 'gpgconf --kill all; rm -rf "$work"' EXIT
rm -rf "$here/keys" "$here/commits"
mkdir "$here/keys" "$here/commits"
cd "$here/keys"

ssh_key() { # NAME PASSPHRASE OPTIONS...
	name=$1 passphrase=$2
	shift 2
	ssh-keygen -q -N "$passphrase" -C "$name" -f "$name" "$@"
}
ssh_key ed25519 '' -t ed25519
ssh_key rsa '' -t rsa -b 2048
ssh_key rsa-pem '' -t rsa -b 2048 -m PEM
ssh_key rsa-weak '' -t rsa -b 1024
ssh_key ecdsa '' -t ecdsa
ssh_key locked 'correct horse' -t ed25519
ssh_key locked-pem 'correct horse' -t rsa -b 2048 -m PEM
ssh_key stranger '' -t ed25519
ssh-keygen -q -s rsa -I ada -n ada@example.com ed25519.pub

gpg="gpg --quiet --batch --yes --pinentry-mode loopback"
pgp_key() { # NAME PASSPHRASE ALGORITHM EXPIRES [OPTIONS...]
	name=$1 passphrase=$2 algorithm=$3 expires=$4
	shift 4
	$gpg "$@" --passphrase "$passphrase" --quick-generate-key "$name <$name@example.com>" "$algorithm" sign "$expires"
	$gpg --armor --passphrase "$passphrase" --export-secret-keys "$name@example.com" > "$name.sec"
	$gpg --armor --export "$name@example.com" > "$name.asc"
}
fingerprint() { gpg --batch --with-colons --list-keys "$1@example.com" | awk -F: '/^fpr/ {print $10; exit}'; }
pgp_key pgp-ed25519 '' ed25519 never
pgp_key pgp-rsa '' rsa2048 never
pgp_key pgp-rsa-weak '' rsa1024 never
pgp_key pgp-ecdsa '' nistp256 never
pgp_key pgp-dsa '' dsa2048 never
pgp_key pgp-locked 'correct horse' ed25519 never
pgp_key pgp-expired '' ed25519 2020-02-01 --faked-system-time 20200101T000000
pgp_key pgp-extended '' ed25519 2020-02-01 --faked-system-time 20200101T000000
$gpg --passphrase '' --quick-set-expire "$(fingerprint pgp-extended)" never
$gpg --armor --passphrase '' --export-secret-keys pgp-extended@example.com > pgp-extended.sec
$gpg --armor --export pgp-extended@example.com > pgp-extended.asc
pgp_key pgp-revoked '' ed25519 never
pgp_key pgp-stranger '' ed25519 never
pgp_key pgp-subkey '' ed25519 never
$gpg --passphrase '' --quick-add-key "$(fingerprint pgp-subkey)" ed25519 sign never
$gpg --armor --passphrase '' --export-secret-subkeys pgp-subkey@example.com > pgp-subkey.sec
$gpg --armor --export pgp-subkey@example.com > pgp-subkey.asc

git init -q -b main "$work/repo"
cd "$work/repo"
git config user.name Ada
git config user.email ada@example.com
keep() { git cat-file commit HEAD > "$here/commits/$1"; }
signed() { # NAME OPTIONS...
	name=$1
	shift
	GIT_AUTHOR_DATE=2026-01-02T03:04:05Z GIT_COMMITTER_DATE=2026-01-02T03:04:05Z git "$@" commit -q --allow-empty -S -m "$name" -m 'A second line,
 one that begins with a space, and a third.'
	keep "$name"
}
of_ssh() { signed "$1" -c gpg.format=ssh -c user.signingKey="$here/keys/$2"; }
of_pgp() { signed "$1" -c user.signingKey="$2@example.com"; }
GIT_COMMITTER_DATE=2026-01-02T03:04:05Z git commit -q --allow-empty -m unsigned
keep unsigned
for name in ed25519 rsa ecdsa rsa-weak stranger; do of_ssh "ssh-$name" "$name"; done
of_ssh ssh-certificate ed25519-cert.pub
for name in pgp-ed25519 pgp-rsa pgp-rsa-weak pgp-ecdsa pgp-dsa pgp-revoked pgp-stranger pgp-subkey pgp-extended; do of_pgp "$name" "$name"; done
printf '#!/bin/sh\nexec gpg --faked-system-time 20200102T000000 "$@"\n' > "$work/past"
printf '#!/bin/sh\nexec gpg --digest-algo SHA1 --allow-weak-digest-algos "$@"\n' > "$work/sha1"
chmod +x "$work/past" "$work/sha1"
signed pgp-expired -c user.signingKey=pgp-expired@example.com -c gpg.program="$work/past"
signed pgp-sha1 -c user.signingKey=pgp-rsa@example.com -c gpg.program="$work/sha1"
printf '#!/bin/sh\nfor last; do :; done\nssh-keygen -q -Y sign -n file -f %s "$last"\n' "$here/keys/ed25519" > "$work/file"
chmod +x "$work/file"
signed ssh-namespace -c gpg.format=ssh -c user.signingKey="$here/keys/ed25519" -c gpg.ssh.program="$work/file"
git -c gpg.format=ssh -c user.signingKey="$here/keys/ed25519" tag -s -m tagged v1
git checkout -q -b side HEAD~1
GIT_COMMITTER_DATE=2026-01-02T03:04:05Z git commit -q --allow-empty -m side
git -c gpg.format=ssh -c user.signingKey="$here/keys/ed25519" -c i18n.commitEncoding=ISO-8859-1 merge -q --no-ff -S -m "$(printf 'ssh-merge \344')" v1
keep ssh-merge

sed 's/^:---/---/' "$GNUPGHOME/openpgp-revocs.d/$(fingerprint pgp-revoked).rev" | $gpg --import
$gpg --armor --export pgp-revoked@example.com > "$here/keys/pgp-revoked.asc"
cd "$here/keys"
rm -f ed25519-cert.pub stranger pgp-revoked.sec pgp-stranger.sec
