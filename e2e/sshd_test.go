//go:build e2e

package e2e

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"

	"github.com/trefoil-gitops/trefoil/internal/canary"
	"github.com/trefoil-gitops/trefoil/internal/gitrepo"
	"github.com/trefoil-gitops/trefoil/reconcile"
)

// sshd is OpenSSH's own server on loopback, which lets the user of this test in, with one key.
type sshd struct {
	*testing.T
	program, dir, address string
	process               *exec.Cmd
	canaries              []canary.Canary
	seen                  map[string]string // what the binary and the errors say
}

const passphrase = "canary-passphrase"

func newSSHD(t *testing.T) *sshd {
	t.Helper()
	program := "/usr/sbin/sshd" // which is not in everybody's PATH
	if _, err := os.Stat(program); err != nil {
		if program, err = exec.LookPath("sshd"); err != nil {
			t.Fatal("sshd is missing: apt-get install openssh-server")
		}
	}
	if os.Getuid() == 0 { // the folder that it empties itself into, which the system makes when it starts the service
		if err := os.MkdirAll("/run/sshd", 0o755); err != nil {
			t.Fatal(err)
		}
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	s := &sshd{T: t, program: program, dir: t.TempDir(), address: listener.Addr().String(), seen: map[string]string{}}
	t.Cleanup(s.stop)
	s.git("init", "-q", "--bare", "-b", "main", s.path("specs.git"))
	s.git("init", "-q", "-b", "main", s.path("work"))
	s.write("work/models.cue", "package models\n\nmodels: {}\n")
	s.git("-C", s.path("work"), "add", "-A")
	s.git("-C", s.path("work"), "-c", "user.name=Ada", "-c", "user.email=ada@example.com", "commit", "-qm", "begin")
	s.git("-C", s.path("work"), "push", "-q", s.path("specs.git"), "main")
	return s
}

func (s *sshd) path(name string) string { return filepath.Join(s.dir, name) }

func (s *sshd) write(name, text string) {
	s.Helper()
	if err := os.WriteFile(s.path(name), []byte(text), 0o600); err != nil {
		s.Fatal(err)
	}
}

func (s *sshd) git(args ...string) string {
	s.Helper()
	out, err := exec.Command("git", args...).CombinedOutput()
	if err != nil {
		s.Fatalf("git %q: %v\n%s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

// key makes a private key in a file, and returns its public one.
func (s *sshd) key(name, passphrase string) ssh.PublicKey {
	s.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		s.Fatal(err)
	}
	s.canaries = append(s.canaries, canary.Of("key "+name, string(private.Seed())))
	block, err := ssh.MarshalPrivateKey(private, "")
	if passphrase != "" {
		block, err = ssh.MarshalPrivateKeyWithPassphrase(private, "", []byte(passphrase))
	}
	if err != nil {
		s.Fatal(err)
	}
	s.write(name, string(pem.EncodeToMemory(block)))
	signer, err := ssh.NewSignerFromKey(private)
	if err != nil {
		s.Fatal(err)
	}
	return signer.PublicKey()
}

// start starts the server at its address, with the host key that is there.
func (s *sshd) start() {
	s.Helper()
	_, port, _ := net.SplitHostPort(s.address)
	s.write("sshd_config", fmt.Sprintf("ListenAddress 127.0.0.1\nPort %s\nHostKey %s\nAuthorizedKeysFile %s\nPidFile none\nStrictModes no\nUsePAM no\n"+
		"PasswordAuthentication no\nKbdInteractiveAuthentication no\nPermitRootLogin prohibit-password\n", port, s.path("host"), s.path("authorized")))
	s.process = exec.Command(s.program, "-D", "-e", "-f", s.path("sshd_config"))
	log, err := os.Create(s.path("log"))
	if err != nil {
		s.Fatal(err)
	}
	defer log.Close()
	s.process.Stderr = log
	if err := s.process.Start(); err != nil {
		s.Fatal(err)
	}
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		if connection, err := net.Dial("tcp", s.address); err == nil {
			connection.Close()
			return
		}
		if time.Now().After(deadline) {
			text, _ := os.ReadFile(s.path("log"))
			s.Fatalf("sshd does not answer: %s", text)
		}
	}
}

func (s *sshd) stop() {
	if s.process != nil {
		_ = s.process.Process.Kill()
		_ = s.process.Wait()
		s.process = nil
	}
}

// knows writes known hosts with one key for the server.
func (s *sshd) knows(key ssh.PublicKey) {
	s.write("known_hosts", knownhosts.Line([]string{knownhosts.Normalize(s.address)}, key)+"\n")
}

func (s *sshd) url() string {
	me, err := user.Current()
	if err != nil {
		s.Fatal(err)
	}
	return "ssh://" + me.Username + "@" + s.address + s.path("specs.git")
}

func (s *sshd) open() *gitrepo.Repo {
	s.Helper()
	repo, err := gitrepo.Open(gitrepo.Options{
		URL: s.url(), Branch: "main", AuthorName: "Trefoil", AuthorEmail: "trefoil@example.com",
		Credentials: func() (gitrepo.Credentials, error) {
			key, err := os.ReadFile(s.path("key"))
			return gitrepo.Credentials{SSHKey: key, SSHPassphrase: passphrase, KnownHosts: s.path("known_hosts")}, err
		},
	})
	if err != nil {
		s.Fatal(err)
	}
	return repo
}

// TestFault11SSHD is access by way of the real sshd: the binary reads, a commit lands, and each way in which a server or a key may change
// is said in words that help. What was put right counts from the next call on.
func TestFault11SSHD(t *testing.T) {
	s := newSSHD(t)
	mine, host := s.key("key", passphrase), s.key("host", "")
	s.write("authorized", string(ssh.MarshalAuthorizedKey(mine)))
	s.knows(host)
	s.start()
	s.binary()
	repo := s.open()
	tip, err := repo.Tip(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	made, err := repo.Commit(t.Context(), tip, reconcile.Edit{Message: "m: release 1\n", Files: map[string][]byte{"selected/m.cue": []byte("x")}, Date: time.Now()})
	if err != nil || string(made) != s.git("-C", s.path("specs.git"), "rev-parse", "main") {
		t.Fatalf("Commit = %q, %v", made, err)
	}
	s.git("-C", s.path("specs.git"), "fsck", "--strict")
	says := func(want string) {
		t.Helper()
		_, err := repo.Tip(t.Context())
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("Tip = %v; want %q", err, want)
		}
		s.seen["the error "+want] = fmt.Sprintf("%v %+v %#v", err, err, err)
	}
	other := s.key("key", passphrase)
	says("unable to authenticate")
	s.write("authorized", string(ssh.MarshalAuthorizedKey(other)))
	says("")
	s.stop()
	says("connection refused")
	changed := s.key("host", "")
	s.start()
	says("STOP: the server's key is not the one in known_hosts. It shows ssh-ed25519 " + ssh.FingerprintSHA256(changed) + ", and line 1 of ")
	s.knows(changed)
	says("")
	s.canaries = append(s.canaries, canary.Of("passphrase", passphrase))
	for _, leak := range canary.Leaks(s.seen, s.canaries) {
		t.Errorf("I6: %s", leak)
	}
}

// binary lets the built command read the repository, with files of a configuration.
func (s *sshd) binary() {
	s.Helper()
	s.write("passphrase", passphrase+"\n")
	s.write("trefoil.yaml", fmt.Sprintf("repository: {url: %q, sshKeyFile: %q, sshKeyPassphraseFile: %q, knownHostsFile: %q}\n",
		s.url(), s.path("key"), s.path("passphrase"), s.path("known_hosts")))
	out, err := exec.Command(program(s.T), "validate", "--config", s.path("trefoil.yaml"), "--repo", s.url()).CombinedOutput()
	if err != nil || !strings.Contains(string(out), "0 models") {
		s.Errorf("trefoil validate: %v\n%s", err, out)
	}
	s.seen["trefoil validate"] = string(out)
}
