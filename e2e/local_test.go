//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// laptop is a machine without engines: the binary, and a working repository.
type laptop struct {
	*testing.T
	ctx    context.Context // ends by Ctrl-C too
	binary string
	dir    string // of the repository
	env    []string
}

// newLaptop has the example of the name committed, and a cache of its own for what is installed unless it shares one.
func newLaptop(t *testing.T, example string) *laptop {
	t.Helper()
	l := &laptop{T: t, ctx: interruptible(t), binary: program(t), dir: filepath.Join(t.TempDir(), "models")}
	l.env = append(os.Environ(), "GIT_AUTHOR_NAME=You", "GIT_AUTHOR_EMAIL=you@example.com", "GIT_COMMITTER_NAME=You", "GIT_COMMITTER_EMAIL=you@example.com")
	if example == "" {
		return l
	}
	if err := os.CopyFS(l.dir, os.DirFS(filepath.Join("..", "examples", example))); err != nil {
		t.Fatal(err)
	}
	l.git("init", "--quiet", "--initial-branch=main")
	l.commit("the example")
	return l
}

// command runs a program to its end and returns what it printed.
func (l *laptop) command(dir, name string, args ...string) string {
	l.Helper()
	cmd := exec.CommandContext(l.ctx, name, args...)
	cmd.Dir, cmd.Env = dir, l.env
	out, err := cmd.CombinedOutput()
	if err != nil {
		l.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}

func (l *laptop) git(args ...string) string {
	l.Helper()
	return l.command(l.dir, "git", args...)
}

func (l *laptop) commit(message string) {
	l.Helper()
	l.git("add", "--all")
	l.git("commit", "--quiet", "--message="+message)
}

// trefoil runs the binary in the repository to its end.
func (l *laptop) trefoil(args ...string) string {
	l.Helper()
	return l.command(l.dir, l.binary, args...)
}

// eventually waits for what takes as long as training does.
func (l *laptop) eventually(what string, done func() bool) {
	l.Helper()
	for end := time.Now().Add(3 * time.Minute); !done(); time.Sleep(100 * time.Millisecond) {
		if time.Now().After(end) || l.ctx.Err() != nil {
			l.Fatal("not within three minutes: " + what)
		}
	}
}

// daemon starts `trefoil run --local`.
func (l *laptop) daemon() *running {
	l.Helper()
	r := &running{T: l.T, cmd: exec.CommandContext(l.ctx, l.binary, "run", "--local", "--port=0"), said: new(bytes.Buffer)}
	r.cmd.Dir, r.cmd.Env = l.dir, l.env
	r.cmd.Stderr = &locked{mu: &r.mu, to: r.said}
	r.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := r.cmd.Start(); err != nil {
		l.Fatal(err)
	}
	l.Cleanup(func() {
		_ = r.cmd.Process.Kill()
		_ = r.cmd.Wait()
		if l.Failed() {
			l.Log(r.log())
		}
	})
	return r
}

// running is a daemon.
type running struct {
	*testing.T
	cmd  *exec.Cmd
	mu   sync.Mutex
	said *bytes.Buffer
}

type locked struct {
	mu *sync.Mutex
	to io.Writer
}

func (w *locked) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.to.Write(p)
}

func (r *running) log() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.said.String()
}

// url waits until the daemon says where it answers, and returns that of a deployment.
func (r *running) url(namespace, name string) string {
	r.Helper()
	found := r.await(regexp.MustCompile(`url=(http://127\.0\.0\.1:\d+)/seldon/`))
	return fmt.Sprintf("%s/seldon/%s/%s/api/v1.0/predictions", found, namespace, name)
}

// await waits until the daemon has said something, and returns the first group of it.
func (r *running) await(pattern *regexp.Regexp) string {
	r.Helper()
	for end := time.Now().Add(3 * time.Minute); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if m := pattern.FindStringSubmatch(r.log()); m != nil {
			return m[len(m)-1]
		}
	}
	r.Fatalf("the daemon never said %s:\n%s", pattern, r.log())
	return ""
}

// stop ends the daemon as Ctrl-C does.
func (r *running) stop() {
	r.Helper()
	_ = r.cmd.Process.Signal(os.Interrupt)
	if err := r.cmd.Wait(); err != nil {
		r.Errorf("the daemon ends with %v:\n%s", err, r.log())
	}
}

// kin are the processes that the engine of this repository has started and that live, whoever their parent is.
func (l *laptop) kin() []string {
	l.Helper()
	all, err := filepath.Glob("/proc/[0-9]*/environ")
	if err != nil {
		l.Fatal(err)
	}
	engine := sha256.Sum256([]byte(filepath.Join(l.dir, ".trefoil")))
	mark := "TREFOIL_LOCAL=" + hex.EncodeToString(engine[:8])
	var found []string
	for _, name := range all {
		text, err := os.ReadFile(name)
		if err == nil && strings.Contains(string(text), mark) {
			command, _ := os.ReadFile(filepath.Join(filepath.Dir(name), "cmdline")) // it may have ended
			found = append(found, strings.ReplaceAll(string(command), "\x00", " "))
		}
	}
	return found
}

// TestDemo runs the first command of the README, on a machine where nothing was installed before, and then what it says to try.
func TestDemo(t *testing.T) {
	l := newLaptop(t, "")
	l.dir = filepath.Join(t.TempDir(), "trefoil-demo")
	l.env = append(l.env, "XDG_CACHE_HOME="+t.TempDir(), "GOCACHE="+goEnv(t, "GOCACHE"))
	began := time.Now()
	out := l.command("..", "make", "demo", "DIR="+l.dir)
	t.Logf("with an empty cache of packages, in %v:\n%s", time.Since(began).Round(time.Second), out)
	inOrder(t, out, demoTranscript(t))
	log := l.git("log", "--format=%an %s")
	if strings.Count(log, "\n") != 3 || strings.Count(log, "Trefoil mnist: release 1") != 2 || !strings.Contains(log, "You a model that reads") {
		t.Errorf("the history is\n%s", log)
	}
	if status := l.git("status", "--porcelain"); status != "" {
		t.Errorf("the work tree has\n%s", status)
	}
	began = time.Now()
	again := l.command("..", "make", "demo", "DIR="+l.dir)
	t.Logf("once more, in %v", time.Since(began).Round(time.Second))
	if !strings.Contains(again, "this is a 7") || l.git("log", "--format=%an %s") != log || strings.Contains(again, "10 experiments as") {
		t.Errorf("the second run says\n%s", again)
	}
	if left := l.kin(); len(left) > 0 {
		t.Errorf("left are %v", left)
	}
	tryNext(l, again)
}

// tryNext pastes the lines that the demo ends with.
func tryNext(l *laptop, said string) {
	lines := regexp.MustCompile(`(?m)^  (?:promote|tighten|kill it) +(.*)$`).FindAllStringSubmatch(said, -1)
	if len(lines) != 3 {
		l.Fatalf("the demo names %d things to try:\n%s", len(lines), said)
	}
	for i, want := range []string{
		"mnist/production: serve: release 1", // said by the first, and so on
		"mnist: hold: ",
		"",
	} {
		out := l.command("..", "sh", "-c", lines[i][1])
		if !strings.Contains(out, want) {
			l.Errorf("%s\nsays\n%s", lines[i][1], out)
		}
	}
	if left := l.kin(); len(left) > 0 {
		l.Errorf("left are %v", left)
	}
}

// demoTranscript is what the README shows of the demo.
func demoTranscript(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(text), "```sh\nmake demo\n```\n\n```\n")
	transcript, _, closed := strings.Cut(rest, "```")
	if !found || !closed {
		t.Fatal("the README has no transcript of the demo")
	}
	return transcript
}

// varying are the parts of a transcript that differ from run to run.
var varying = regexp.MustCompile(`[0-9a-f]{4,}…?|\d+\.\d+`)

// inOrder checks that the output has the lines of the transcript, in their order, with others between them.
func inOrder(t *testing.T, out, transcript string) {
	t.Helper()
	rest := strings.Split(varying.ReplaceAllString(out, "#"), "\n")
	for line := range strings.Lines(varying.ReplaceAllString(transcript, "#")) {
		line = strings.TrimRight(line, "\n")
		at := slices.Index(rest, line)
		if at < 0 {
			t.Fatalf("the output lacks, or has too early,\n%s", line)
		}
		rest = rest[at+1:]
	}
}

// goEnv is a setting of the go command.
func goEnv(t *testing.T, name string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "env", name).Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}

// TestDaemonMemory: the daemon itself stays small while it trains and serves.
func TestDaemonMemory(t *testing.T) {
	l := newLaptop(t, "mnist")
	d := l.daemon()
	d.await(regexp.MustCompile(`staging: serve`))
	url, digit := d.url("ml-staging", "mnist"), l.digit()
	l.eventually("it answers", func() bool { return asked(url, digit) != "" })
	const most = 100 << 20 // bytes
	if peak(t, d.cmd.Process.Pid) > most {
		t.Errorf("the daemon took %d MiB", peak(t, d.cmd.Process.Pid)>>20)
	}
	t.Logf("%d MiB at most", peak(t, d.cmd.Process.Pid)>>20)
	d.stop()
}

// digit is a request that the digits' model answers.
func (l *laptop) digit() []byte {
	l.Helper()
	text, err := os.ReadFile(filepath.Join("..", "examples", "mnist", "digit.json"))
	if err != nil {
		l.Fatal(err)
	}
	return text
}

// TestLocalKill kills the daemon in the midst of a search: no experiment is lost or run twice, and nothing goes on alone.
func TestLocalKill(t *testing.T) {
	l := newLaptop(t, "mnist")
	first := l.daemon()
	first.await(regexp.MustCompile(`search running, [1-9] of 10`))
	if len(l.kin()) == 0 {
		t.Error("nothing is seen of the experiments while they run, so that nothing could be seen of what is left of them")
	}
	if err := first.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = first.cmd.Wait()
	states := func() map[string]string {
		all, err := filepath.Glob(filepath.Join(l.dir, ".trefoil", "experiments", "*", "state.json"))
		if err != nil {
			t.Fatal(err)
		}
		ended := map[string]string{}
		for _, name := range all {
			text, err := os.ReadFile(name)
			var s struct{ Phase, Ended string }
			if err == nil {
				err = json.Unmarshal(text, &s)
			}
			if err != nil {
				t.Fatal(err)
			}
			if s.Phase != "Running" {
				ended[filepath.Base(filepath.Dir(name))] = s.Ended
			}
		}
		return ended
	}
	before := states()
	second := l.daemon()
	second.await(regexp.MustCompile(`release 1 is registry.example/mnist@sha256:`))
	after := states()
	if len(before) == 0 || len(before) == 10 || len(after) != 10 {
		t.Errorf("%d experiments had ended, %d have", len(before), len(after))
	}
	for uid, ended := range before {
		if after[uid] != ended {
			t.Errorf("experiment %s had ended at %s, and again at %s", uid, ended, after[uid])
		}
	}
	second.stop()
	if left := l.kin(); len(left) > 0 {
		t.Errorf("left are %v", left)
	}
}

// TestLocalSwitch asks all the time while one release takes the place of another.
func TestLocalSwitch(t *testing.T) {
	l := newLaptop(t, "mnist")
	d := l.daemon()
	url := d.url("ml-staging", "mnist")
	digit := l.digit()
	d.await(regexp.MustCompile(`staging: serve`))
	l.eventually("it answers", func() bool { return asked(url, digit) != "" })
	ctx, cancel := context.WithCancel(l.ctx)
	defer cancel()
	var mu sync.Mutex
	counts := map[string]int{}
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for ctx.Err() == nil {
				image := asked(url, digit)
				mu.Lock()
				counts[image]++
				mu.Unlock()
				time.Sleep(20 * time.Millisecond) // which leaves the machine to the second training
			}
		})
	}
	models := filepath.Join(l.dir, "models.cue")
	text, err := os.ReadFile(models)
	if err != nil {
		t.Fatal(err)
	}
	text = bytes.Replace(text, []byte("seed: 7"), []byte("seed: 8"), 1)
	if err := os.WriteFile(models, text, 0o600); err != nil {
		t.Fatal(err)
	}
	l.commit("search elsewhere")
	d.await(regexp.MustCompile(`release 2 is registry.example/mnist@sha256:([0-9a-f]+)`))
	seen := func() int {
		mu.Lock()
		defer mu.Unlock()
		return len(counts)
	}
	l.eventually("the second release answers", func() bool { return seen() == 2 })
	time.Sleep(10 * time.Second) // of load on the new one
	cancel()
	all.Wait()
	t.Logf("requests by who answered: %v", counts)
	if counts[""] > 0 || len(counts) != 2 {
		t.Errorf("%d requests failed; the answers are of %v", counts[""], counts)
	}
	d.stop()
}

// asked is the image that a prediction names as the one that made it; empty for a failed request.
func asked(url string, body []byte) string {
	reply, err := http.Post(url, "application/json", bytes.NewReader(body))
	if err != nil {
		return ""
	}
	defer reply.Body.Close()
	var p struct {
		Meta struct{ RequestPath map[string]string }
	}
	if json.NewDecoder(reply.Body).Decode(&p) != nil || reply.StatusCode != http.StatusOK {
		return ""
	}
	return p.Meta.RequestPath["model"]
}

// peak is the most memory that a process has had, in bytes.
func peak(t *testing.T, pid int) int {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile(`VmHWM:\s+(\d+) kB`).FindSubmatch(text)
	if m == nil {
		t.Fatal("no VmHWM")
	}
	kb, err := strconv.Atoi(string(m[1]))
	if err != nil {
		t.Fatal(err)
	}
	return kb << 10
}
