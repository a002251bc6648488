//go:build e2e

package signature

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// real is a repository with git's own ideas of who is trusted.
type real struct {
	*testing.T
	dir string
	env []string
}

func newReal(t *testing.T, trusted string) real {
	dir, home := t.TempDir(), t.TempDir()
	allowed := filepath.Join(home, "allowed")
	if err := os.WriteFile(allowed, []byte(trusted), 0o600); err != nil {
		t.Fatal(err)
	}
	r := real{t, dir, append(os.Environ(), "HOME="+home, "GNUPGHOME="+home, "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_NOSYSTEM=1", "TZ=UTC",
		"GIT_AUTHOR_NAME=Ada", "GIT_AUTHOR_EMAIL=ada@example.com", "GIT_COMMITTER_NAME=Ada", "GIT_COMMITTER_EMAIL=ada@example.com",
		"GIT_AUTHOR_DATE=2026-01-02T03:04:05Z", "GIT_COMMITTER_DATE=2026-01-02T03:04:05Z")}
	t.Cleanup(func() { _, _ = r.try(nil, "gpgconf", "--kill", "all") })
	r.run(nil, "git", "init", "-q")
	r.run(nil, "git", "config", "gpg.ssh.allowedSignersFile", allowed)
	return r
}

func (r real) try(in []byte, name string, args ...string) (string, error) {
	command := exec.Command(name, args...)
	command.Dir, command.Env, command.Stdin = r.dir, r.env, bytes.NewReader(in)
	out, err := command.CombinedOutput()
	return string(out), err
}

func (r real) run(in []byte, name string, args ...string) string {
	r.Helper()
	out, err := r.try(in, name, args...)
	if err != nil {
		r.Fatalf("%s %q: %v\n%s", name, args, err, out)
	}
	return strings.TrimSpace(out)
}

// keep puts a commit into the repository.
func (r real) keep(commit []byte) string {
	r.Helper()
	return r.run(commit, "git", "hash-object", "-t", "commit", "-w", "--stdin")
}

// imports has gpg trust keys of testdata.
func (r real) imports(keys ...string) {
	r.Helper()
	for _, key := range keys {
		r.run(read(r, "keys/"+key+".asc"), "gpg", "--batch", "--import")
	}
}

// TestGitTrustsUs has `git verify-commit` judge what Signer signs.
func TestGitTrustsUs(t *testing.T) {
	for name, passphrase := range map[string]string{
		"ed25519": "", "rsa": "", "rsa-pem": "", "locked": "correct horse", "locked-pem": "correct horse",
		"pgp-ed25519.sec": "", "pgp-rsa.sec": "", "pgp-locked.sec": "correct horse", "pgp-subkey.sec": "", "pgp-extended.sec": "",
	} {
		t.Run(name, func(t *testing.T) {
			signer, err := NewSigner(read(t, "keys/"+name), []byte(passphrase), now)
			if err != nil {
				t.Fatal(err)
			}
			allowed := ""
			key, pgp := strings.CutSuffix(name, ".sec")
			if !pgp {
				allowed = allow(t, "trefoil@example.com", name)
			}
			r := newReal(t, allowed)
			if pgp {
				r.imports(key)
			}
			tree := r.run(nil, "git", "write-tree")
			parent := r.run(nil, "git", "commit-tree", "-m", "parent", tree)
			commit := bytes.ReplaceAll(unsigned(now.AddDate(-5, 0, 0)), []byte("a6e4ebf40ddf7680f52fd1b9a4c6a7f83f321e43"), []byte(parent))
			signed, err := signer.Sign(commit, now)
			if err != nil {
				t.Fatal(err)
			}
			hash := r.keep(signed)
			r.run(nil, "git", "verify-commit", hash)
			r.run(nil, "git", "fsck", "--strict")
			if forged := r.keep(bytes.Replace(signed, []byte("release 1"), []byte("release 2"), 1)); r.passes(forged) {
				t.Error("git takes anything for signed")
			}
		})
	}
}

func (r real) passes(hash string) bool {
	_, err := r.try(nil, "git", "verify-commit", hash)
	return err == nil
}

// TestAsGit compares our judgement of the commits of testdata with that of `git verify-commit`, with the same keys. We alone refuse SHA-1.
func TestAsGit(t *testing.T) {
	allowed := allow(t, "ada@example.com", "ed25519") + allow(t, "rsa@example.com", "rsa") + allow(t, "ecdsa@example.com", "ecdsa")
	keys := []string{"pgp-ed25519", "pgp-rsa", "pgp-ecdsa", "pgp-expired", "pgp-revoked", "pgp-subkey", "pgp-extended"}
	r := newReal(t, allowed)
	r.imports(keys...)
	trusted := trust(t, allowed, keys...)
	names, err := filepath.Glob("testdata/commits/*")
	if err != nil || len(names) < 15 {
		t.Fatal(names, err)
	}
	for _, name := range names {
		commit := read(t, "commits/"+filepath.Base(name))
		_, err := trusted.Verify(commit, now)
		if git := r.passes(r.keep(commit)); git != (err == nil) && filepath.Base(name) != "pgp-sha1" {
			t.Errorf("%s: git says %v, and we: %v", name, git, err)
		}
	}
}

// TestAllowedSignersAsGit compares what a list lets through with what git says of it. We are stricter where a line can't be read.
func TestAllowedSignersAsGit(t *testing.T) {
	stricter := []string{"ada KEY\nbob WEAK", "ada KEY\nnonsense", "ada KEY\nbob ssh-ed25519 AAAA", "ada cert-authority KEY"}
	for _, line := range lines() {
		text := strings.NewReplacer("KEY", strings.TrimSpace(string(read(t, "keys/ed25519.pub"))),
			"OTHER", strings.TrimSpace(string(read(t, "keys/rsa.pub"))),
			"WEAK", strings.TrimSpace(string(read(t, "keys/rsa-weak.pub")))).Replace(line.text)
		r := newReal(t, text)
		if git := r.passes(r.keep(read(t, "commits/ssh-ed25519"))); git != line.good && (!git || !slices.Contains(stricter, line.text)) {
			t.Errorf("%s\n\tgit says %v, and we %v", line.text, git, line.good)
		}
	}
}

// TestWeTrustGit has the real git sign a commit now, and Trusted judge it.
func TestWeTrustGit(t *testing.T) {
	r := newReal(t, "")
	key := filepath.Join(t.TempDir(), "key")
	r.run(nil, "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key)
	r.run(nil, "git", "-c", "gpg.format=ssh", "-c", "user.signingKey="+key, "commit", "-q", "-S", "--allow-empty", "-m", "by git")
	public, err := os.ReadFile(key + ".pub")
	if err != nil {
		t.Fatal(err)
	}
	command := exec.Command("git", "cat-file", "commit", "HEAD")
	command.Dir = r.dir
	commit, err := command.Output()
	if err != nil {
		t.Fatal(err)
	}
	if who, err := trust(t, "ada@example.com "+string(public)).Verify(commit, now); err != nil {
		t.Errorf("%s, %v", who, err)
	}
}
