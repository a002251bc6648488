package main

import (
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"github.com/trefoil-gitops/trefoil/internal/canary"
	"github.com/trefoil-gitops/trefoil/internal/memory"
	"github.com/trefoil-gitops/trefoil/reconcile"
	"github.com/trefoil-gitops/trefoil/render"
	"github.com/trefoil-gitops/trefoil/schema"
)

// TestI6Secrets has the command log in in each way that there is, at servers that take it and at some that refuse it and repeat all they
// are sent, and looks for the secrets in all that it says, logs, commits, serves and writes.
func TestI6Secrets(t *testing.T) {
	for name, way := range map[string]func(*secretive) string{
		"password": (*secretive).withPassword, "bearer token": (*secretive).withToken, "GitHub App": (*secretive).withApp,
		"client certificate": (*secretive).withCertificate, "ssh key": (*secretive).withSSH,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSecretive(t)
			s.configure(way(s))
			s.release()
			s.commands()
			s.live("in peace")
			s.hostile()
			if name == "password" { // the engines are the same for all
				s.hostileEngines()
			}
			s.search()
		})
	}
}

// configure writes the configuration, with engines that want to know who asks.
func (s *secretive) configure(repository string) {
	s.Helper()
	token, polyaxon := s.plant("Polyaxon token")
	_, bearer := s.plant("cluster token")
	s.cluster = &leasing{}
	s.engines = []*gate{{next: http.HandlerFunc(nothing), wants: "Token " + polyaxon}, {next: s.cluster, wants: "Bearer " + bearer}}
	var hook string
	hook, s.hook = s.plant("secret of webhooks")
	s.config = s.file("trefoil.yaml", fmt.Sprintf("repository: {url: %q, author: {name: Trefoil, email: trefoil@example.com}, %s}\n"+
		"listen: '127.0.0.1:0'\npoll: 1s\nwebhook: {listen: '127.0.0.1:0', secretFile: %q}\n"+
		"polyaxon: {url: %q, tokenFile: %q}\nkubernetes: {kubeconfig: %q}\n",
		s.url, repository, hook, s.front(s.engines[0]), token, s.kubeconfig(bearer)))
}

// kubeconfig is that of a cluster that asks for a token and takes a certificate too: client-go sends neither where nothing protects them.
func (s *secretive) kubeconfig(token string) (file string) {
	s.Helper()
	url, authority := s.secureFront(s.engines[1], tls.RequestClientCert)
	certificate, key := newCertificate(s.T)
	s.canaries = append(s.canaries, canary.Of("key for the cluster", string(key.secret)))
	text, err := json.Marshal(map[string]any{
		"kind": "Config", "current-context": "a",
		"contexts": []any{map[string]any{"name": "a", "context": map[string]any{"cluster": "a", "user": "u"}}},
		"clusters": []any{map[string]any{"name": "a", "cluster": map[string]any{"server": url, "certificate-authority-data": authority}}},
		"users": []any{map[string]any{"name": "u", "user": map[string]any{
			"token": token, "client-certificate-data": certificate, "client-key-data": []byte(key.String()),
		}}},
	})
	if err != nil {
		s.Fatal(err)
	}
	return s.file("kubeconfig", string(text))
}

// release has a loop commit a release, with the engines of tests, so that there is something to sign and to push; then it can't.
func (s *secretive) release() {
	s.Helper()
	s.git.push(signedModels)
	log := new(shared)
	unset := func(string) (string, bool) { return "", false }
	a := &app{flags: flags{config: s.config}, out: io.Discard, err: log, env: unset, evaluate: schema.Evaluate}
	c, err := a.config(pflag.NewFlagSet("", pflag.ContinueOnError))
	if err != nil {
		s.Fatal(err)
	}
	sign, err := c.sign(a.log())
	if err != nil {
		s.Fatal(err)
	}
	source, err := c.open(sign)
	if err != nil {
		s.Fatal(err)
	}
	searches := memory.NewEngine(wallClock)
	loop := a.loop(c, source, searches, memory.NewEngine(wallClock), a.log())
	reporter, status := reconcile.Reporter{Holder: "x", Redact: c.redact()}, reconcile.Status{}
	for i := range 6 {
		s.shut.Store(i == 5)
		if i == 5 {
			s.origin.turn(hostilities()[0])
		}
		pass, err := loop.Once(s.Context())
		if (err != nil) != (i == 5) {
			s.Errorf("pass %d: %v", i, err)
		}
		status = reporter.After(status, pass, err, wallClock())
		s.note(fmt.Sprint("pass ", i), fmt.Sprintf("%v %+v %#v %s", err, err, err, status.Encode()))
		searches.Change(render.Search, ends)
	}
	s.peace()
	s.note("the log of the loop", log.String())
	objects := s.git.git(s.git.bare, "log", "-p", "--format=raw", "main")
	if !strings.Contains(objects, "mnist: release 1") || s.signs != strings.Contains(objects, "gpgsig ") {
		s.Errorf("the server has\n%s", objects)
	}
	s.note("git log -p", objects)
}

// search looks for all secrets in all that there is, and for one that is there.
func (s *secretive) search() {
	s.Helper()
	files, err := canary.Files(s.state)
	if err != nil {
		s.Fatal(err)
	}
	maps.Copy(s.seen, files)
	all := append(s.origin.sent(), s.canaries...)
	for _, engine := range s.engines {
		all = append(all, engine.sent()...)
	}
	for _, leak := range canary.Leaks(s.seen, all) {
		s.Errorf("I6: %s", leak)
	}
	for _, c := range s.canaries {
		s.seen["a planted text"] = c.Secret
		if found := canary.Leaks(s.seen, []canary.Canary{c}); len(found) == 0 {
			s.Errorf("a canary that was planted is not found: %s", c.Name)
		}
	}
}
