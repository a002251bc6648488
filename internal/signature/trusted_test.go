package signature

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// now is when the tests take place, after testdata was made.
var now = time.Date(2027, 1, 2, 3, 4, 5, 0, time.UTC)

func read(t testing.TB, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", filepath.FromSlash(name)))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// allow is a line of an allowed-signers file for a key of testdata.
func allow(t testing.TB, principalsAndOptions, key string) string {
	t.Helper()
	return principalsAndOptions + " " + string(read(t, "keys/"+key+".pub"))
}

func trust(t testing.TB, allowed string, keys ...string) *Trusted {
	t.Helper()
	var signers, ring []byte
	if allowed != "" {
		signers = []byte(allowed)
	}
	for _, key := range keys {
		ring = append(ring, read(t, "keys/"+key+".asc")...)
	}
	trusted, err := NewTrusted(signers, ring)
	if err != nil {
		t.Fatal(err)
	}
	return trusted
}

// everybody trusts all keys of testdata that can be trusted, but the strangers'.
func everybody(t testing.TB) *Trusted {
	t.Helper()
	return trust(t, allow(t, "ada@example.com", "ed25519")+allow(t, "rsa@example.com", "rsa")+allow(t, "ecdsa@example.com", "ecdsa"),
		"pgp-ed25519", "pgp-rsa", "pgp-ecdsa", "pgp-expired", "pgp-revoked", "pgp-subkey", "pgp-extended")
}

// TestVerify judges commits that the real git, ssh-keygen and gpg have signed.
func TestVerify(t *testing.T) {
	for name, want := range map[string]struct {
		good bool
		says string
	}{
		"ssh-ed25519":     {true, "ada@example.com (ssh-ed25519 SHA256:"},
		"ssh-rsa":         {true, "rsa@example.com (ssh-rsa SHA256:"},
		"ssh-ecdsa":       {true, "ecdsa@example.com (ecdsa-sha2-nistp256 SHA256:"},
		"ssh-merge":       {true, "ada@example.com (ssh-ed25519 SHA256:"},
		"pgp-ed25519":     {true, "pgp-ed25519 <pgp-ed25519@example.com> (OpenPGP "},
		"pgp-rsa":         {true, "pgp-rsa <pgp-rsa@example.com> (OpenPGP "},
		"pgp-ecdsa":       {true, "pgp-ecdsa <pgp-ecdsa@example.com> (OpenPGP "},
		"pgp-subkey":      {true, "pgp-subkey <pgp-subkey@example.com> (OpenPGP "},
		"pgp-extended":    {true, "pgp-extended <pgp-extended@example.com> (OpenPGP "},
		"unsigned":        {false, "it is not signed"},
		"ssh-stranger":    {false, "the key that signed it is not in the list: ssh-ed25519 SHA256:"},
		"ssh-rsa-weak":    {false, "the key that signed it is not in the list: ssh-rsa SHA256:"},
		"ssh-certificate": {false, "it is signed with an SSH certificate"},
		"ssh-namespace":   {false, `its SSH signature is for "file", not for "git"`},
		"pgp-stranger":    {false, "the key that signed it is not in the list: OpenPGP "},
		"pgp-dsa":         {false, "the key that signed it is not in the list: OpenPGP "},
		"pgp-rsa-weak":    {false, "the key that signed it is not in the list: OpenPGP "},
		"pgp-expired":     {false, "the key that signed it is expired"},
		"pgp-revoked":     {false, "the key that signed it is revoked"},
		"pgp-sha1":        {false, "its OpenPGP signature is made with SHA-1, which is too weak"},
	} {
		t.Run(name, func(t *testing.T) {
			says, err := everybody(t).Verify(read(t, "commits/"+name), now)
			if err != nil {
				says = err.Error()
			}
			if (err == nil) != want.good || !strings.Contains(says, want.says) {
				t.Errorf("%s; want %s", says, want.says)
			}
		})
	}
}

// TestChanged changes every third byte of signed commits in turn: none of them counts any more, unless the change is in how the
// armor is written.
func TestChanged(t *testing.T) {
	trusted := everybody(t)
	for _, name := range []string{"ssh-ed25519", "pgp-ed25519", "ssh-merge"} {
		commit := read(t, "commits/"+name)
		payload, _, err := split(commit)
		if err != nil {
			t.Fatal(err)
		}
		for i := 0; i < len(commit); i += 3 {
			changed := append([]byte{}, commit...)
			changed[i] ^= 1
			who, err := trusted.Verify(changed, now)
			if same, _, _ := split(changed); err == nil && string(same) != string(payload) {
				t.Fatalf("%s: byte %d of what was signed is another one, and it counts as signed by %s", name, i, who)
			}
		}
	}
}

// TestAnotherKey takes the signature of one commit for another one.
func TestAnotherKey(t *testing.T) {
	for _, kind := range []string{"ssh", "pgp"} {
		one, _, err := split(read(t, "commits/"+kind+"-rsa"))
		if err != nil {
			t.Fatal(err)
		}
		_, armored, err := split(read(t, "commits/"+kind+"-ed25519"))
		if err != nil {
			t.Fatal(err)
		}
		forged, err := join(one, armored)
		if err != nil {
			t.Fatal(err)
		}
		if who, err := everybody(t).Verify(forged, now); err == nil || !strings.Contains(err.Error(), "wrong") {
			t.Errorf("%s: %s, %v", kind, who, err)
		}
	}
}

// TestAllowedSigners says of lines whether they let ssh-ed25519, a commit of 2026-01-02T03:04:05Z, count. What ssh-keygen says of the same
// lines is tried in real_test.go.
func TestAllowedSigners(t *testing.T) {
	for _, line := range lines() {
		text := strings.ReplaceAll(line.text, "KEY", strings.TrimSpace(string(read(t, "keys/ed25519.pub"))))
		text = strings.ReplaceAll(text, "OTHER", strings.TrimSpace(string(read(t, "keys/rsa.pub"))))
		text = strings.ReplaceAll(text, "WEAK", strings.TrimSpace(string(read(t, "keys/rsa-weak.pub"))))
		who := ""
		trusted, err := NewTrusted([]byte(text), nil)
		if err == nil {
			who, err = trusted.Verify(read(t, "commits/ssh-ed25519"), now)
		}
		if err != nil {
			who = err.Error()
		}
		if (err == nil) != line.good || !strings.Contains(who, line.says) {
			t.Errorf("%s\n\t%s; want %s, %v", line.text, who, line.says, line.good)
		}
	}
}

type line struct {
	text string
	good bool
	says string
}

func lines() []line {
	return []line{
		{"ada@example.com KEY", true, "ada@example.com (ssh-ed25519 SHA256:"},
		{"# a comment\n\n  ada@example.com\tKEY comment\r\n", true, "ada@example.com"},
		{"ada@example.com,*@example.org KEY", true, "ada@example.com,*@example.org"},
		{`"ada@example.com" KEY`, true, "ada@example.com"},
		{"someone-else@example.com KEY", true, "someone-else@example.com"}, // as git has it: the committer is not compared
		{"rsa@example.com OTHER\nada@example.com KEY", true, "ada@example.com"},
		{`ada namespaces="git" KEY`, true, "ada"},
		{`ada NameSpaces="file,g*" KEY`, true, "ada"},
		{`ada namespaces="g?t",valid-after="20260102Z",valid-before="202601020305Z" KEY`, true, "ada"},
		{`ada valid-before="20260102030405Z" KEY`, true, "ada"},
		{"ada namespaces=\"file\" KEY\nada KEY", true, "ada"},
		{"ada valid-before=\"20250101Z\" KEY\nbob KEY", true, "bob"},
		{"ada namespaces=\"file\" KEY\nbob KEY", false, "of ada may not sign commits"},
		{`ada namespaces="file" KEY`, false, `leave out "git"`},
		{`ada namespaces="!git,*" KEY`, false, `leave out "git"`},
		{`ada valid-after="20260103Z" KEY`, false, "counts from 2026-01-03T00:00:00Z on, and the commit's date is 2026-01-02T03:04:05Z"},
		{`ada valid-before="20260102Z" KEY`, false, "counted until 2026-01-02T00:00:00Z"},
		{"rsa@example.com OTHER", false, "not in the list"},
		{"", false, "no line of it has a key"},
		{"# nothing\n", false, "no line of it has a key"},
		{"ada cert-authority KEY", false, "line 1: cert-authority is not supported"},
		{"ada KEY\nbob WEAK", false, "line 2: an RSA key of 1024 bits is too weak"},
		{"ada KEY\nnonsense", false, "line 2: no key"},
		{"ada KEY\nbob ssh-ed25519 AAAA", false, "line 2: no key that can be read"},
		{`ada valid-after="2026" KEY`, false, "line 1: valid-after: write YYYYMMDD"},
		{`ada valid-after=20260101Z KEY`, false, "line 1: valid-after: write YYYYMMDD"},
		{`ada namespaces="" KEY`, false, "line 1: namespaces"},
		{`ada namespaces="[git" KEY`, false, "line 1: namespaces"},
		{`ada no-such KEY`, false, "line 1: no-such is no option"},
		{`ada namespaces="git",namespaces="file" KEY`, false, "line 1: namespaces twice"},
		{`"ada KEY`, false, `line 1: a " is missing`},
	}
}

func TestKeyring(t *testing.T) {
	for name, want := range map[string]string{
		"pgp-dsa.asc": "DSA keys are too weak", "pgp-rsa-weak.asc": "1024 bits is too weak", "pgp-ed25519.sec": "private key",
		"ed25519.pub": "gpg --armor --export", "pgp-rsa.asc": "",
	} {
		_, err := NewTrusted(nil, read(t, "keys/"+name))
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v; want %s", name, err, want)
		}
	}
	if _, err := NewTrusted(nil, nil); err == nil {
		t.Error("nobody is trusted, and that is no error")
	}
}

// TestExpires has a key count until it expires, by the time that it is and not by the commit's date, as gpg does.
func TestExpires(t *testing.T) {
	trusted, commit := trust(t, "", "pgp-expired"), read(t, "commits/pgp-expired")
	if who, err := trusted.Verify(commit, time.Date(2020, 1, 3, 0, 0, 0, 0, time.UTC)); err != nil {
		t.Errorf("in its time: %s, %v", who, err)
	}
	if who, err := trusted.Verify(commit, time.Date(2020, 2, 3, 0, 0, 0, 0, time.UTC)); err == nil {
		t.Errorf("after its time: %s", who)
	}
}
