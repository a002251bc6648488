package render_test

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
)

// TestMain lets the test binary stand in for the programs of the images: under another name it is that program.
func TestMain(m *testing.M) {
	switch filepath.Base(os.Args[0]) {
	case "wget":
		os.Exit(wget(os.Args[1:]))
	case "buildah", "buildctl":
		os.Exit(builder(os.Args[1:]))
	case "rootlesskit":
		os.Exit(daemon(os.Args[1:]))
	}
	os.Exit(m.Run())
}

// wget takes what the scripts give it, [--header HEADER] -q -O FILE URL, and says what BusyBox's says of a server that has not got that.
func wget(args []string) int {
	if args[0] == "--help" {
		fmt.Fprintln(os.Stderr, os.Getenv("WGET"), "multi-call binary.")
		return 1
	}
	request, err := http.NewRequest(http.MethodGet, args[len(args)-1], nil)
	if err != nil {
		return 1
	}
	if args[0] == "--header" {
		name, value, _ := strings.Cut(args[1], ": ")
		request.Header.Set(name, value)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		code := 1
		_, _ = fmt.Sscan(os.Getenv("CODE"), &code)
		fmt.Fprintln(os.Stderr, cmp.Or(os.Getenv("SAYS"), "wget: can't connect to remote host (127.0.0.1): Connection refused"))
		return code
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		fmt.Fprintln(os.Stderr, "wget: server returned error: HTTP/1.1", response.Status)
		return 1
	}
	content, err := io.ReadAll(response.Body)
	if err != nil || os.WriteFile(args[len(args)-2], content, 0o644) != nil {
		return 3
	}
	return 0
}

// script runs a script as a container would, and returns what it says. Of "a.sh+b.sh" the first goes before the second.
func script(t *testing.T, names string, env ...string) (string, error) {
	t.Helper()
	bin := t.TempDir()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, program := range []string{"wget", "buildah", "buildctl", "rootlesskit"} {
		if err := os.Symlink(self, filepath.Join(bin, program)); err != nil {
			t.Fatal(err)
		}
	}
	var text strings.Builder
	for name := range strings.SplitSeq(names, "+") {
		part, err := os.ReadFile(filepath.Join("scripts", name))
		if err != nil {
			t.Fatal(err)
		}
		text.Write(part)
	}
	if strings.Contains(text.String(), "{{") || strings.Contains(text.String(), "\t") || strings.Contains(text.String(), "$$") {
		t.Errorf("%s: Argo would fill in {{, the kubelet take $$ for $, and YAML not show a text with tabs as lines", names)
	}
	cmd := exec.Command("sh", "-c", text.String())
	cmd.Dir = t.TempDir()
	cmd.Env = append([]string{"PATH=" + bin + ":" + os.Getenv("PATH"), "HOME=" + cmd.Dir, "GORACE=atexit_sleep_ms=0"}, env...)
	output, err := cmd.CombinedOutput()
	return string(output), err
}

func TestFetch(t *testing.T) {
	weights := []byte("weights")
	sum := sha256.Sum256(weights)
	right := hex.EncodeToString(sum[:])
	for name, test := range map[string]struct {
		failures, status int // how often the server fails, and with what
		sha256           string
		requests, code   int
		says             string
	}{
		"right":        {sha256: right, requests: 1},
		"busy at once": {failures: 2, status: http.StatusInternalServerError, sha256: right, requests: 3},
		"too often":    {failures: 2, status: http.StatusTooManyRequests, sha256: right, requests: 3},
		"never there":  {failures: 99, status: http.StatusBadGateway, requests: 12, code: passes, says: "cannot fetch http://"},
		"not opened":   {failures: 99, status: http.StatusForbidden, requests: 1, code: 1, says: "does the token open it"},
		"no such file": {failures: 99, status: http.StatusNotFound, requests: 1, code: 1, says: "has the experiment that file?"},
		"another file": {sha256: strings.Repeat("0", 64), requests: 1, code: 1, says: "is not the one that the release names"},
	} {
		t.Run(name, func(t *testing.T) {
			requests := 0
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if requests++; requests <= test.failures {
					w.WriteHeader(test.status)
					return
				}
				if r.URL.Query().Get("path") != "outputs/a b" {
					w.WriteHeader(http.StatusNotFound)
				}
				_, _ = w.Write(weights)
			}))
			defer server.Close()
			file := filepath.Join(t.TempDir(), "artifact")
			output, err := script(t, "fetch.sh+check.sh", "ARTIFACT_URL="+server.URL+"/artifact?path=outputs%2Fa+b&force=true",
				"ARTIFACT_SHA256="+test.sha256, "ARTIFACT="+file, "RETRY_SECONDS=0")
			if got := exitCode(err); got != test.code || !strings.Contains(output, test.says) || requests != test.requests {
				t.Fatalf("exit code %d after %d requests: %s", got, requests, output)
			}
			if err != nil {
				return
			}
			if got, err := os.ReadFile(file); err != nil || string(got) != string(weights) {
				t.Fatalf("fetched %q, %v", got, err)
			}
		})
	}
}

// TestFetchRefused: a certificate that the image does not trust, and a token that GNU's wget is refused with, are not tried again.
func TestFetchRefused(t *testing.T) {
	const strange, refused = "of nobody whom the image of workflows.images.fetch knows", "does the token open it"
	for _, test := range []struct{ says, code, want string }{
		{"ssl_client: polyaxon.example: certificate verification failed: self signed certificate", "1", strange},                                                            // Alpine 3.21
		{"error:0A000086:SSL routines:tls_post_process_server_certificate:certificate verify failed:ssl/statem/statem_clnt.c:2123:\nssl_client: SSL_connect", "1", strange}, // 3.22
		{"", "5", strange}, // GNU's
		{"", "6", refused},
	} {
		output, err := script(t, "fetch.sh", "ARTIFACT_URL=https://127.0.0.1:1/", "SAYS="+test.says, "CODE="+test.code, "ARTIFACT="+t.TempDir()+"/artifact", "RETRY_SECONDS=0")
		if got := exitCode(err); got != 1 || !strings.Contains(output, test.want) {
			t.Errorf("%s (%s): exit code %d: %s", test.says, test.code, got, output)
		}
	}
}

// TestClaim copies the artifact from a claim in place of fetching it.
func TestClaim(t *testing.T) {
	sum := sha256.Sum256([]byte("weights"))
	right := hex.EncodeToString(sum[:])
	for name, test := range map[string]struct{ experiment, path, sha256, says string }{
		"right":         {"f1c2", "out/a b", right, ""},
		"another file":  {"f1c2", "out/a b", strings.Repeat("0", 64), "is not the one that the release names"},
		"no experiment": {"f1c3", "out/a b", right, "the claim artifacts has no folder f1c3 where package.artifact.from.pvc.path says"},
		"no file":       {"f1c2", "out/c", right, "the claim artifacts has no file f1c2/outputs/out/c"},
		"a folder":      {"f1c2", "out", right, "the claim artifacts has no file f1c2/outputs/out"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			write(t, dir, map[string]string{"store/f1c2/outputs/out/a b": "weights"})
			output, err := script(t, "claim.sh+check.sh", "CLAIM=artifacts", "STORE="+dir+"/store", "EXPERIMENT="+test.experiment,
				"ARTIFACT_PATH="+test.path, "ARTIFACT="+dir+"/artifact", "ARTIFACT_SHA256="+test.sha256)
			if (err == nil) != (test.says == "") || !strings.Contains(output, test.says) {
				t.Fatalf("%v: %s", err, output)
			}
			if err == nil && read(t, dir)["artifact"] != "weights" {
				t.Error(read(t, dir))
			}
		})
	}
}

// repository makes one of two commits and returns its URL and the hash of the first.
func repository(t *testing.T) (url, first string) {
	t.Helper()
	dir := t.TempDir()
	git := func(args ...string) string {
		cmd := exec.Command("git", append([]string{"-C", dir, "-c", "user.name=t", "-c", "user.email=t@example.com"}, args...)...)
		cmd.Env = append(os.Environ(), "HOME="+dir, "GIT_CONFIG_NOSYSTEM=1")
		output, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("git %v: %v\n%s", args, err, output)
		}
		return strings.TrimSpace(string(output))
	}
	git("init", "-q", "-b", "main")
	write(t, dir, map[string]string{
		"serving/model.py":        "class Model: pass\n",
		"serving/$(touch x)/a' b": "odd\n",
		"models.cue":              "package models\n",
	})
	if err := os.Symlink("/etc/passwd", filepath.Join(dir, "serving/link")); err != nil {
		t.Fatal(err)
	}
	git("add", "-A")
	git("commit", "-q", "-m", "one")
	first = git("rev-parse", "HEAD")
	write(t, dir, map[string]string{"serving/model.py": "class Later: pass\n"})
	git("commit", "-q", "-a", "-m", "two")
	return "file://" + dir, first
}

func write(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, content := range files {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// read is every file below dir.
func read(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		if !entry.Type().IsRegular() {
			return fmt.Errorf("%s is %v", path, entry.Type())
		}
		name, _ := filepath.Rel(dir, path)
		content, err := os.ReadFile(path)
		files[name] = string(content)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func TestSource(t *testing.T) {
	url, first := repository(t)
	serving := map[string]string{"model.py": "class Model: pass\n", "$(touch x)/a' b": "odd\n", "link": "/etc/passwd"}
	root := map[string]string{"models.cue": "package models\n"}
	for name, content := range serving {
		root["serving/"+name] = content
	}
	for name, test := range map[string]struct {
		folder   string
		protocol string // 0 refuses to hand out a commit that is no tip
		want     map[string]string
	}{
		"folder":               {"serving", "2", serving},
		"root":                 {"", "2", root},
		"server without wants": {"serving", "0", serving},
		"no such folder":       {"nowhere", "2", nil},
	} {
		t.Run(name, func(t *testing.T) {
			workspace := t.TempDir() // of a pod with an fsGroup
			if err := os.Chmod(workspace, os.ModeSetgid|0o777); err != nil {
				t.Fatal(err)
			}
			context := filepath.Join(workspace, "context")
			output, err := script(t, "source.sh", "REPOSITORY="+url, "COMMIT="+first, "FOLDER="+test.folder,
				"GIT_DIR="+filepath.Join(t.TempDir(), "git"), "CONTEXT="+context, "RETRY_SECONDS=0",
				"GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=protocol.version", "GIT_CONFIG_VALUE_0="+test.protocol)
			if test.want == nil {
				if err == nil || !strings.Contains(output, "no folder 'nowhere' in commit "+first) {
					t.Fatalf("%v: %s", err, output)
				}
				return
			}
			if err != nil {
				t.Fatalf("%v: %s", err, output)
			}
			if diff := gocmp.Diff(test.want, read(t, context)); diff != "" {
				t.Error(diff)
			}
			permitted(t, context)
		})
	}
}

// permitted holds that folders have the one mode that makes the same image everywhere.
func permitted(t *testing.T, dir string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return err
		}
		about, err := d.Info()
		if err == nil && about.Mode() != fs.ModeDir|0o755 {
			t.Errorf("%s has the mode %s", path, about.Mode())
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// TestSourceLacksCommit: that is told, and not that a folder is missing.
func TestSourceLacksCommit(t *testing.T) {
	url, _ := repository(t)
	output, err := script(t, "source.sh", "REPOSITORY="+url, "COMMIT="+strings.Repeat("1", 40), "FOLDER=serving",
		"GIT_DIR="+filepath.Join(t.TempDir(), "git"), "CONTEXT="+t.TempDir(), "RETRY_SECONDS=0")
	if got := exitCode(err); got != 1 || !strings.Contains(output, "the repository has no commit 1111") {
		t.Errorf("exit code %d: %s", got, output)
	}
}

// passes is the exit code of what passes by itself, by which Argo tries the pod again.
const passes = 75

// TestSourceAnswers: a server that is down for too long is asked again by another pod, one that refuses is not.
func TestSourceAnswers(t *testing.T) {
	for name, test := range map[string]struct{ status, code int }{
		"down":      {http.StatusServiceUnavailable, passes},
		"too often": {http.StatusTooManyRequests, passes},
		"slow":      {http.StatusRequestTimeout, passes},
		"refuses":   {http.StatusForbidden, 1},
		"unknown":   {http.StatusNotFound, 1},
		"gone":      {http.StatusGone, 1},
		"stranger":  {0, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			start := httptest.NewServer
			if test.status == 0 {
				start = httptest.NewTLSServer // with a certificate that git does not know
			}
			server := start(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(test.status) }))
			server.Config.ErrorLog = log.New(io.Discard, "", 0)
			defer server.Close()
			output, err := script(t, "source.sh", "REPOSITORY="+server.URL, "COMMIT="+strings.Repeat("1", 40), "FOLDER=",
				"GIT_DIR="+filepath.Join(t.TempDir(), "git"), "CONTEXT="+t.TempDir(), "RETRY_SECONDS=0")
			if got := exitCode(err); got != test.code {
				t.Errorf("exit code %d, not %d: %s", got, test.code, output)
			}
		})
	}
}

// exitCode is that of a script; 0 where it ended well.
func exitCode(err error) int {
	var end *exec.ExitError
	if errors.As(err, &end) {
		return end.ExitCode()
	}
	return 0
}
