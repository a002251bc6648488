package signature

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"
)

// unsigned is a commit as gitrepo makes one.
func unsigned(when time.Time) []byte {
	return fmt.Appendf(nil, "tree 4b825dc642cb6eb9a060e54bf8d69288fbee4904\nparent a6e4ebf40ddf7680f52fd1b9a4c6a7f83f321e43\n"+
		"author Trefoil <trefoil@example.com> %d +0000\ncommitter Trefoil <trefoil@example.com> %[1]d +0000\n\n"+
		"mnist: release 1\n\nTrefoil-Model: mnist\n", when.Unix())
}

// TestSign signs with keys as ssh-keygen and gpg write them, twice (I8), and has the public halves judge it.
func TestSign(t *testing.T) {
	for name, passphrase := range map[string]string{
		"ed25519": "", "rsa": "", "rsa-pem": "", "locked": "correct horse", "locked-pem": "correct horse",
		"pgp-ed25519.sec": "", "pgp-rsa.sec": "", "pgp-locked.sec": "correct horse", "pgp-subkey.sec": "", "pgp-extended.sec": "",
	} {
		t.Run(name, func(t *testing.T) {
			signer, err := NewSigner(read(t, "keys/"+name), []byte(passphrase), now)
			if err != nil {
				t.Fatal(err)
			}
			var trusted *Trusted
			if key, pgp := strings.CutSuffix(name, ".sec"); pgp {
				trusted = trust(t, "", key)
			} else {
				trusted = trust(t, allow(t, "trefoil@example.com", name))
			}
			for _, when := range []time.Time{now, time.Date(2024, 5, 6, 7, 8, 9, 0, time.UTC)} { // before most keys were made
				commit := unsigned(when)
				first, err1 := signer.Sign(commit, now)
				second, err2 := signer.Sign(commit, now)
				if err1 != nil || err2 != nil || !bytes.Equal(first, second) {
					t.Fatalf("I8: signed twice it is not the same: %v, %v\n%s\n%s", err1, err2, first, second)
				}
				payload, _, err := split(first)
				if err != nil || !bytes.Equal(payload, commit) {
					t.Errorf("without its signature it is not what was signed: %v", err)
				}
				if who, err := trusted.Verify(first, now); err != nil {
					t.Errorf("%s, %v", who, err)
				}
			}
			if err := trusted.Trusts(signer, now); err != nil {
				t.Error(err)
			}
			err = trust(t, allow(t, "ada", "stranger"), "pgp-stranger").Trusts(signer, now)
			if err == nil || !strings.Contains(err.Error(), "not in the list") {
				t.Errorf("others trust it: %v", err)
			}
			if _, err := signer.Sign([]byte("no commit"), now); err == nil {
				t.Error("what is no commit was signed")
			}
			signed, _ := signer.Sign(unsigned(now), now)
			if _, err := signer.Sign(signed, now); err == nil {
				t.Error("a signed commit was signed again")
			}
		})
	}
}

// TestRefused has keys that can't be used; no error holds them or their passphrases (I6).
func TestRefused(t *testing.T) {
	for _, c := range []struct{ name, passphrase, want string }{
		{"ecdsa", "", "not the same each time"},
		{"rsa-weak", "", "1024 bits is too weak"},
		{"locked", "", "passphrase is needed"},
		{"locked", "wrong canary", "does not open"},
		{"locked-pem", "wrong canary", "does not open"},
		{"ed25519.pub", "", "no private key"},
		{"pgp-ed25519.asc", "", "no private OpenPGP key"},
		{"pgp-ecdsa.sec", "", "not the same each time"},
		{"pgp-dsa.sec", "", "not the same each time"},
		{"pgp-rsa-weak.sec", "", "1024 bits is too weak"},
		{"pgp-locked.sec", "", "passphrase is needed"},
		{"pgp-locked.sec", "wrong canary", "does not open"},
		{"pgp-expired.sec", "", "expired"},
	} {
		key := read(t, "keys/"+c.name)
		_, err := NewSigner(key, []byte(c.passphrase), now)
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: %v; want %s", c.name, err, c.want)
		}
		damaged := bytes.Replace(key, key[len(key)/2:len(key)/2+20], []byte("canary"), 1)
		if _, err := NewSigner(damaged, nil, now); err == nil || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s, damaged: %v", c.name, err)
		}
	}
}

// TestExpiresLater has a key expire after it was read: it signs nothing more.
func TestExpiresLater(t *testing.T) {
	then := time.Date(2020, 1, 3, 0, 0, 0, 0, time.UTC)
	signer, err := NewSigner(read(t, "keys/pgp-expired.sec"), nil, then)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := signer.Sign(unsigned(then), then); err != nil {
		t.Error(err)
	}
	if _, err := signer.Sign(unsigned(then), now); err == nil || !strings.Contains(err.Error(), "expired") {
		t.Errorf("%v; want that it is expired", err)
	}
}
