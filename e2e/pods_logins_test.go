//go:build e2e

package e2e

import (
	"encoding/base64"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"github.com/trefoil-gitops/trefoil/e2e/stack"
	"github.com/trefoil-gitops/trefoil/internal/canary"
)

// servingCode is another repository, which has the serving code of the models in its root.
func servingCode(w *world) (g *stack.Git, commit string) {
	w.Helper()
	g, err := w.stack.StartGit(w.Context(), w.TempDir())
	w.must(err)
	w.Cleanup(func() { g.Close() })
	commit, err = g.Push(w.Context(), "serving code", func(dir string) error {
		return errors.Join(os.CopyFS(dir, os.DirFS("../examples/mnist/serve-mnist")), os.CopyFS(dir, os.DirFS("testdata/builders/serve-mnist")))
	})
	w.must(err)
	return g, commit
}

// private has both git servers and Polyaxon ask for logins of their own, which are files of the folder that it returns, and gives the
// daemon its own.
func (b *builders) private(serving *stack.Git) (tokens string) {
	b.Helper()
	tokens = b.TempDir()
	file := func(name string) (secret string) {
		c := canary.New(name)
		b.logins = append(b.logins, c)
		b.must(os.WriteFile(filepath.Join(tokens, name), []byte(c.Secret+"\n"), 0o600))
		return c.Secret
	}
	b.git.Filter(asking(basic("trefoil", file("git-token"))))
	serving.Filter(asking(basic("serving", file("serving-token"))))
	b.counter.Filter(asking("Token " + file("polyaxon-token")))
	config, err := os.ReadFile(b.config)
	b.must(err)
	private := strings.NewReplacer(
		"repository:\n", "repository:\n  username: trefoil\n  passwordFile: "+tokens+"/git-token\n",
		"polyaxon: {", "polyaxon: {tokenFile: "+tokens+"/polyaxon-token, ",
		"workflows:\n", "workflows:\n  gitCredentials: git-login\n  polyaxonToken: polyaxon\n",
	).Replace(string(config))
	b.must(os.WriteFile(b.config, []byte(private), 0o600))
	return tokens
}

func basic(user, password string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password))
}

// asking is a server that answers who authorizes himself so, and nobody else.
func asking(authorization string) stack.Filter {
	return func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		if r.Header.Get("Authorization") != authorization {
			w.Header().Set("WWW-Authenticate", `Basic realm="private"`)
			http.Error(w, "log in", http.StatusUnauthorized)
			return
		}
		next.ServeHTTP(w, r)
	}
}

// secrets makes what pods log in with, as docs/configuration.md does for https.
func (b *builders) secrets(tokens string) {
	b.Helper()
	for _, name := range []string{"git-token", "serving-token", "polyaxon-token"} {
		b.must(os.Symlink(filepath.Join(tokens, name), filepath.Join(b.person.dir, name)))
	}
	made := 0
	for line := range strings.Lines(shown(b.T, "configuration.md", "sh")[0]) {
		if !strings.HasSuffix(line, "# ssh\n") {
			b.person.sh(line)
			made++
		}
	}
	if made != 2 {
		b.Fatalf("docs/configuration.md makes %d Secrets for https, not 2", made)
	}
	b.person.sh("kubectl -n argo create secret generic serving-git --from-literal=username=serving --from-file=password=serving-token")
}

// discreet looks for the logins in what is left of the builds.
func (b builders) discreet() {
	objects, err := b.git.Objects(b.Context())
	b.must(err)
	seen := map[string]string{
		"the daemon's log":          b.log(),
		"git's objects":             objects,
		"the Workflows and so on":   b.person.sh("kubectl -n argo get workflows,pods,configmaps,events -o yaml"),
		"what their pods have said": b.person.sh("kubectl -n argo logs --all-containers --prefix --tail -1 -l workflows.argoproj.io/workflow"),
	}
	if !strings.Contains(seen["what their pods have said"], "/main]") {
		b.Error("their pods have said nothing")
	}
	for _, leak := range canary.Leaks(seen, b.logins) {
		b.Errorf("I6: %s", leak)
	}
}
