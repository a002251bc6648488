package main

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/trefoil-gitops/trefoil/internal/canary"
	"github.com/trefoil-gitops/trefoil/internal/redact"
)

// parrot is a proxy that refuses all it is asked for, in words that it was sent.
func parrot(w http.ResponseWriter, r *http.Request) {
	_, sent, _ := strings.Cut(r.Header.Get("Proxy-Authorization"), " ")
	login, _ := base64.StdEncoding.DecodeString(sent) // "" where it is none
	said := fmt.Sprintf("I take neither %s nor %s %q", login, sent, login)
	if r.Method != http.MethodConnect {
		http.Error(w, said, http.StatusProxyAuthRequired)
		return
	}
	connection, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(err)
	}
	defer connection.Close()
	fmt.Fprintf(connection, "HTTP/1.1 407 %s\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", said)
}

// TestI6Proxy goes by way of a proxy, to the git server and to the engines, that repeats the password in its refusals.
func TestI6Proxy(t *testing.T) {
	proxy := httptest.NewServer(http.HandlerFunc(parrot))
	t.Cleanup(proxy.Close)
	c := canary.Of("password of the proxy", "QZ7P-proxy-canary-42")
	at := strings.Replace(proxy.URL, "http://", "http://bob:"+c.Core+"@", 1)
	g := serveGit(t)
	g.push(signedModels)
	for name, config := range map[string]string{
		"git":        "repository: {url: 'https://git.invalid/x.git'}\npolyaxon: {url: 'http://127.0.0.1:1'}\nkubernetes: {kubeconfig: %q}",
		"https":      "repository: {url: " + g.url + "}\npolyaxon: {url: 'https://polyaxon.invalid'}\nkubernetes: {kubeconfig: %q}",
		"kubeconfig": "repository: {url: " + g.url + "}\npolyaxon: {url: 'http://127.0.0.1:1'}\nkubernetes: {kubeconfig: %q}",
		"http":       "repository: {url: " + g.url + "}\npolyaxon: {url: 'http://polyaxon.invalid'}\nkubernetes: {kubeconfig: %q}",
	} {
		t.Run(name, func(t *testing.T) {
			dir, out := t.TempDir(), map[string]string{}
			cluster, environment := kubeconfig("https://cluster.invalid"), []string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir, promptly}
			switch name {
			case "http":
				cluster = kubeconfig("http://cluster.invalid")
				fallthrough
			default:
				environment = append(environment, "HTTPS_PROXY="+at, "HTTP_PROXY="+at)
			case "kubeconfig":
				cluster = strings.Replace(cluster, "{server:", "{proxy-url: '"+at+"', server:", 1)
			}
			for file, text := range map[string]string{"kubeconfig": cluster, "trefoil.yaml": fmt.Sprintf(config, dir+"/kubeconfig")} {
				if err := os.WriteFile(dir+"/"+file, []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			for _, args := range [][]string{{"run", "--once"}, {"status", "-o", "json"}} {
				cmd := exec.Command("trefoil", append(args, "--config", dir+"/trefoil.yaml")...)
				cmd.Env = environment
				said, _ := cmd.CombinedOutput() // what it says is looked at
				out[args[0]] = string(said)
			}
			for _, leak := range canary.Leaks(out, []canary.Canary{c}) {
				t.Errorf("I6: %s", leak)
			}
			if !strings.Contains(out["run"], redact.Mark) {
				t.Errorf("the proxy did not come to say what it repeats: %s", out["run"])
			}
		})
	}
}
