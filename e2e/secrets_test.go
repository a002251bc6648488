//go:build e2e

package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/tools/clientcmd"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/trefoil-gitops/trefoil/e2e/stack"
	"github.com/trefoil-gitops/trefoil/internal/canary"
	"github.com/trefoil-gitops/trefoil/internal/redact"
)

// secretive is a world where every secret is a canary, behind servers that repeat them.
type secretive struct {
	*world
	git, searches, cluster *hostile
	canaries               []canary.Canary
	folder                 string // a copy of the specs, for -C
	hooks, hookSecret      string // where the daemon takes webhooks, and by which secret
	outputs                []printed
}

// printed is what a command has printed.
type printed struct{ name, text string }

// TestSecrets gives the daemon a canary as each secret that it can have, has the servers repeat them in all they say, and looks for
// them in everything that people may see (I6).
func TestSecrets(t *testing.T) {
	w := quickWorld(t, map[string]string{"alpha.cue": "models: alpha: {}"}, "")
	s := &secretive{world: w, git: &hostile{}, searches: &hostile{}, cluster: &hostile{}}
	s.hide()
	w.start()
	w.eventually("alpha is served", patience, func() bool { return w.serves("ml-staging", "alpha", "1") })
	s.hook()
	w.kill()
	s.peaceful()
	s.hostileGit()
	s.hostileCluster()
	s.hostilePolyaxon()
	s.hostileAll()
	s.refusals()
	seen := s.everything()
	for _, leak := range canary.Leaks(seen, s.canaries) {
		t.Errorf("I6: %s", leak)
	}
	// The search itself: a canary that is planted in a copy is found.
	seen["daemon.log"] += "broken by " + s.canaries[0].Forms()[len(s.canaries[0].Forms())-1]
	if found := canary.Leaks(seen, s.canaries[:1]); len(found) == 0 {
		t.Error("a canary that was planted in the log is not found")
	}
}

// canary makes one more.
func (s *secretive) canary(name string) string {
	c := canary.New(name)
	s.canaries = append(s.canaries, c)
	return c.Secret
}

// hide puts a canary wherever a secret can be, and the hostile servers before the real ones.
func (s *secretive) hide() {
	dir := s.TempDir()
	s.git.basic = s.canary("git password")
	api, kubeconfig, err := s.stack.CountKube(stack.UserDaemon)
	s.must(err)
	s.Cleanup(func() { api.Close() })
	s.world.git.Filter(s.git.filter())
	s.counter.Filter(s.searches.filter())
	api.Filter(s.cluster.filter())
	s.cluster.basic, s.searches.basic = "", ""
	for name, text := range map[string]string{"password": s.git.basic, "token": s.canary("Polyaxon token")} {
		s.must(os.WriteFile(filepath.Join(dir, name), []byte(text+"\n"), 0o600))
	}
	s.hookSecret, s.hooks = s.canary("webhook secret"), free(s.T)
	s.must(os.WriteFile(filepath.Join(dir, "webhook"), []byte(s.hookSecret+"\n"), 0o600))
	s.signingKey(dir)
	config, err := clientcmd.LoadFromFile(kubeconfig)
	s.must(err)
	s.canaries = append(s.canaries, canary.Of("cluster token", config.AuthInfos[stack.UserDaemon].Token))
	s.key(config.AuthInfos[stack.UserDaemon])
	s.must(clientcmd.WriteToFile(*config, kubeconfig))
	s.clusterSecrets()
	for _, name := range []string{"GITHUB_TOKEN", "POLYAXON_AUTH_TOKEN", "AWS_SECRET_ACCESS_KEY", "TREFOIL_SECRET"} {
		s.env = append(s.env, name+"="+s.canary("variable "+name))
	}
	s.must(os.WriteFile(s.config, fmt.Appendf(nil, `
repository:
  url: %[1]s
  author: {name: Trefoil, email: trefoil@example.com}
  username: trefoil
  passwordFile: %[2]s/password
  signing: {keyFile: %[2]s/signing, passphraseFile: %[2]s/passphrase}
webhook: {listen: %[5]q, secretFile: %[2]s/webhook}
poll: 1s
polyaxon: {url: %[3]s, tokenFile: %[2]s/token}
kubernetes: {kubeconfig: %[4]s}
workflows: {namespace: argo, gitCredentials: git-login, polyaxonToken: polyaxon}
`, s.world.git.URL(), dir, s.counter.URL(), kubeconfig, s.hooks), 0o600))
	s.folder = s.TempDir()
	s.must(os.CopyFS(s.folder, os.DirFS("testdata/quick")))
	s.must(writeFiles(s.folder, map[string]string{"alpha.cue": "models: alpha: serve: staging: replicas: 2"}))
}

// key adds a client key to a user, of which a line in the middle is a canary.
func (s *secretive) key(user *clientcmdapi.AuthInfo) {
	dir := s.TempDir()
	s.must(stack.ClientCertificate(dir, stack.UserDaemon))
	var err error
	user.ClientCertificateData, err = os.ReadFile(filepath.Join(dir, "tls.crt"))
	s.must(err)
	user.ClientKeyData, err = os.ReadFile(filepath.Join(dir, "tls.key"))
	s.must(err)
	s.canaries = append(s.canaries, canary.Of("client key", strings.Split(string(user.ClientKeyData), "\n")[1][20:60]))
}

// signingKey makes a key that signs commits: its passphrase is a canary, and so is a part of it.
func (s *secretive) signingKey(dir string) {
	passphrase, file := s.canary("passphrase of the signing key"), filepath.Join(dir, "signing")
	s.must(os.WriteFile(filepath.Join(dir, "passphrase"), []byte(passphrase+"\n"), 0o600))
	out, err := exec.CommandContext(s.Context(), "ssh-keygen", "-q", "-t", "ed25519", "-N", passphrase, "-C", "trefoil@example.com", "-f", file).CombinedOutput()
	if err != nil {
		s.Fatalf("ssh-keygen: %v\n%s", err, out)
	}
	text, err := os.ReadFile(file)
	s.must(err)
	s.canaries = append(s.canaries, canary.Of("signing key", strings.Split(string(text), "\n")[3][20:60]))
}

// free is an address of this machine that nobody listens at.
func free(t *testing.T) string {
	t.Helper()
	port, err := stack.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("127.0.0.1:%d", port)
}

// hook sends the daemon a webhook with the secret, in a way that is right and in ways that are not, and keeps the answers.
func (s *secretive) hook() {
	for name, header := range map[string][2]string{
		"taken":          {"X-Gitlab-Token", s.hookSecret},
		"of another":     {"X-Gitlab-Token", s.hookSecret + "x"},
		"in a signature": {"X-Hub-Signature-256", "sha256=" + s.hookSecret},
	} {
		request, err := http.NewRequestWithContext(s.Context(), http.MethodPost, "http://"+s.hooks+"/webhook", strings.NewReader(`{"ref": "`+s.hookSecret+`"}`))
		s.must(err)
		request.Header.Set(header[0], header[1])
		reply, err := http.DefaultClient.Do(request)
		s.must(err)
		body, err := io.ReadAll(reply.Body)
		s.must(err)
		reply.Body.Close()
		s.outputs = append(s.outputs, printed{"the answer to a webhook " + name, reply.Status + string(body)})
	}
}

// clusterSecrets makes what pods log in with.
func (s *secretive) clusterSecrets() {
	for name, keys := range map[string][]string{"git-login": {"username", "password"}, "polyaxon": {"token"}} {
		data := map[string]string{}
		for _, key := range keys {
			data[key] = s.canary("Secret " + name + "/" + key)
		}
		text, err := json.Marshal(map[string]any{
			"apiVersion": "v1", "kind": "Secret", "metadata": map[string]any{"name": name, "namespace": stack.NamespaceWorkflows}, "stringData": data,
		})
		s.must(err)
		s.must(s.stack.Kube.Apply(s.Context(), text))
	}
}

// keep runs a command, with its output as text and as JSON, and keeps that. It ends as it ends.
func (s *secretive) keep(args ...string) {
	s.Helper()
	s.keepAs(strings.Join(args, " "), args...)
}

// keepAs is keep of a command that has to be called something else.
func (s *secretive) keepAs(name string, args ...string) (ok bool) {
	s.Helper()
	for _, format := range []string{"text", "json"} {
		cmd := exec.CommandContext(s.Context(), s.binary, append([]string{"--config", s.config, "--output", format}, args...)...)
		cmd.Dir, cmd.Env = s.folder, s.environment()
		out, err := cmd.CombinedOutput()
		if cmd.ProcessState == nil {
			s.Fatalf("%s did not run: %v", name, err)
		}
		s.outputs = append(s.outputs, printed{fmt.Sprintf("what trefoil %s says as %s (%d)", name, format, len(s.outputs)), string(out)})
		ok = ok || err == nil
	}
	return ok
}

// repeated checks that what a hostile server says came as far as the commands, without what it repeats.
func (s *secretive) repeated(who string, before int) {
	s.Helper()
	said := 0
	for _, o := range s.outputs[before:] {
		said += strings.Count(o.text, redact.Mark)
	}
	if said < len(answers()) {
		s.Errorf("what %s repeats was redacted %d times, it answers in %d ways", who, said, len(answers()))
	}
}

// peaceful runs every command where nothing is wrong.
func (s *secretive) peaceful() {
	for _, args := range [][]string{
		{"status"}, {"diff"}, {"diff", "-C", "."}, {"plan", "--live"}, {"plan", "-C", "."}, {"validate", "-C", "."}, {"render", "-C", "."},
		{"run", "--once"}, {"version"}, {"history", "--repo", s.world.git.URL()},
	} {
		s.keep(args...)
	}
}

// hostileGit has the git server repeat the password: to those who read, and to those who push, for there is something to push.
func (s *secretive) hostileGit() {
	before := len(s.outputs)
	s.write("beta", map[string]string{"beta.cue": "models: beta: {}"})
	s.eventually("beta is searched", patience, func() bool {
		s.git.turn(true, answers()[0])
		s.keep("run", "--once")
		runs := s.runs("kind:matrix")
		return len(runs) == 2 && runs[1].Status == "succeeded"
	})
	for _, answer := range answers() {
		s.git.turn(false, answer)
		s.keep("status")
		s.git.turn(true, answer)
		s.keep("run", "--once")
	}
	if n := len(s.commits("beta: release 1")); n != 0 {
		s.Errorf("%d commits through a server that takes none", n)
	}
	s.git.turn(false, nil)
	s.repeated("the git server", before)
}

// hostileCluster has the API server repeat the token.
func (s *secretive) hostileCluster() {
	before := len(s.outputs)
	s.eventually("beta has a release", patience, func() bool {
		s.cluster.turn(true, answers()[0])
		s.keep("run", "--once")
		return len(s.commits("beta: release 1, ")) == 1
	})
	for _, answer := range answers() {
		s.cluster.turn(true, answer)
		s.keep("run", "--once")
		s.keep("diff", "-C", ".")
		s.cluster.turn(false, answer)
		s.keep("plan", "--live", "-C", ".")
	}
	s.cluster.turn(false, nil)
	s.repeated("the API server", before)
}

// hostilePolyaxon has Polyaxon repeat the token: to those who read, and to those who begin a search, each time a new one.
func (s *secretive) hostilePolyaxon() {
	before := len(s.outputs)
	for i, answer := range answers() {
		name := fmt.Sprintf("x%d", i)
		s.write(name, map[string]string{name + ".cue": "models: " + name + ": train: search: mapping: [{rate: 0.5}]"})
		s.searches.turn(true, answer)
		s.keep("run", "--once")
		s.searches.turn(false, answer)
		s.keep("status")
	}
	s.searches.turn(false, nil)
	s.repeated("Polyaxon", before)
}

// hostileAll lets the daemon live for a while, and log JSON, among servers that answer each time in another way.
func (s *secretive) hostileAll() {
	ctx, address := s.Context(), free(s.T)
	cmd := exec.CommandContext(ctx, s.binary, "run", "--config", s.config, "-o", "json", "--listen", address)
	log, err := os.Create(filepath.Join(s.logs, "json.log"))
	s.must(err)
	defer log.Close()
	cmd.Stdout, cmd.Stderr, cmd.Env = log, log, s.environment()
	s.must(cmd.Start())
	for _, answer := range answers() {
		for _, server := range []*hostile{s.searches, s.cluster, s.git} {
			server.turn(false, answer)
			time.Sleep(time.Second)
			server.turn(false, nil)
		}
	}
	s.hook()
	for _, page := range []string{"/metrics", "/healthz", "/readyz"} {
		s.page("http://" + address + page)
	}
	s.must(cmd.Process.Signal(syscall.SIGQUIT)) // so that it says what each goroutine does
	_ = cmd.Wait()
	s.must(log.Sync())
	if said := s.read("json.log"); !strings.Contains(said, `"msg":"leads"`) || !strings.Contains(said, redact.Mark) || !strings.Contains(said, "goroutine 1 ") {
		s.Errorf("the daemon did not lead, or heard nothing that servers repeat:\n%s", said)
	}
}

// page keeps what the daemon serves.
func (s *secretive) page(url string) {
	s.Helper()
	reply, err := http.Get(url)
	s.must(err)
	defer reply.Body.Close()
	body, err := io.ReadAll(reply.Body)
	s.must(err)
	if len(body) == 0 {
		s.Errorf("%s says nothing", url)
	}
	s.outputs = append(s.outputs, printed{"the page " + url, string(body)})
}

// refusals gives secrets where none may be: they are refused, and not repeated.
func (s *secretive) refusals() {
	s.canary("URL")
	secret := s.canaries[len(s.canaries)-1].Core
	urls := []string{"https://user:" + secret + "@git.example.com/x", "https://" + secret + "@git.example.com/x", "https://git.example.com/x?token=" + secret}
	refused := func(name string, args ...string) {
		if s.keepAs(name, args...) {
			s.Errorf("%s is taken", name)
		}
	}
	for _, url := range urls {
		refused("run of a URL with a secret", "run", "--once", "--repo", url)
		refused("status of a URL with a secret", "status", "--polyaxon-url", url)
		source := fmt.Sprintf("models: beta: package: source: git: {url: %q, commit: %q}", url, strings.Repeat("0", 40))
		s.must(writeFiles(s.folder, map[string]string{"beta.cue": source}))
		refused("validate of a source with a secret", "validate", "-C", ".")
	}
	for _, field := range []string{"password", "token"} {
		name := filepath.Join(s.TempDir(), "trefoil.yaml")
		s.must(os.WriteFile(name, fmt.Appendf(nil, "repository: {url: https://git.example.com/x, %s: %s}\n", field, secret), 0o600))
		refused("run with a secret in its configuration", "run", "--once", "--config", name)
	}
}

// everything is all that people may see.
func (s *secretive) everything() map[string]string {
	seen := map[string]string{}
	for _, o := range s.outputs {
		seen[o.name] = o.text
	}
	s.files(seen, s.logs)
	s.files(seen, filepath.Dir(s.polyaxon.Store)) // database, log, outputs
	audit, err := os.ReadFile(filepath.Join(s.stack.Dir(), "audit.log"))
	s.must(err)
	seen["the audit log"] = string(audit)
	seen["git's objects"], err = s.world.git.Objects(s.Context())
	s.must(err)
	if !strings.Contains(seen["git's objects"], "-----BEGIN SSH SIGNATURE-----") {
		s.Error("no commit is signed")
	}
	seen["what git was sent"], seen["what Polyaxon was sent"], seen["what the cluster was sent"] = s.git.sent(), s.searches.sent(), s.cluster.sent()
	for _, resource := range []schema.GroupVersionResource{
		workflows(), seldonDeployments(), deployments(), configMaps(), {Version: "v1", Resource: "events"}, {Version: "v1", Resource: "pods"},
		{Version: "v1", Resource: "services"},
	} {
		list, err := s.stack.Kube.Resource(resource).List(s.Context(), metav1.ListOptions{})
		s.must(err)
		text, err := list.MarshalJSON()
		s.must(err)
		seen["the cluster's "+resource.Resource] = string(text)
	}
	return seen
}

func (s *secretive) files(seen map[string]string, dir string) {
	s.must(filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		text, err := os.ReadFile(path)
		seen[filepath.Base(path)+" of "+filepath.Base(dir)] += string(text)
		return err
	}))
}
