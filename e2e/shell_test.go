//go:build e2e

package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/trefoil-gitops/trefoil/e2e/stack"
)

// at gives the laptop a shell, in which trefoil is the binary and kubectl asks the stack as its administrator.
func (l *laptop) at(s *stack.Stack, env ...string) {
	l.Helper()
	programs := l.TempDir()
	l.must(os.Symlink(l.binary, filepath.Join(programs, "trefoil")))
	l.must(os.Symlink(s.Binaries().Path("kubectl"), filepath.Join(programs, "kubectl")))
	l.env = append(os.Environ(), "PATH="+programs+":"+os.Getenv("PATH"), "KUBECONFIG="+s.Kubeconfig(stack.UserAdmin), "HOME="+l.TempDir(),
		"GIT_AUTHOR_NAME=You", "GIT_AUTHOR_EMAIL=you@example.com", "GIT_COMMITTER_NAME=You", "GIT_COMMITTER_EMAIL=you@example.com")
	l.env = append(l.env, env...)
}

// cloned is a person who has cloned the specs from the git server of real pods, with a shell there and the daemon's configuration.
func (w *world) cloned(env ...string) *laptop {
	w.Helper()
	p := &laptop{T: w.T, ctx: w.Context(), dir: filepath.Join(w.TempDir(), "clone"), binary: w.binary}
	ca := w.stack.CAFile()
	p.at(w.stack, append(env, "TREFOIL_CONFIG="+w.config, "SSL_CERT_FILE="+ca, "GIT_SSL_CAINFO="+ca)...)
	p.command(".", "git", "clone", "--quiet", w.git.URL(), p.dir)
	return p
}

// sh runs lines of a shell in the repository, and returns what they print.
func (l *laptop) sh(lines string) string {
	l.Helper()
	return l.command(l.dir, "sh", "-euc", lines)
}

// shown are the blocks of a kind that a page of docs/ shows.
func shown(t *testing.T, page, kind string) []string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "docs", page))
	if err != nil {
		t.Fatal(err)
	}
	var blocks []string
	for i, part := range strings.Split("\n"+string(text), "\n```") {
		if text, found := strings.CutPrefix(part, kind+"\n"); found && i%2 == 1 {
			blocks = append(blocks, text+"\n")
		}
	}
	if len(blocks) == 0 {
		t.Fatalf("docs/%s shows nothing of the kind %s", page, kind)
	}
	return blocks
}
