package main

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"

	"github.com/trefoil-gitops/trefoil/internal/canary"
	"github.com/trefoil-gitops/trefoil/internal/redact"
)

// command is the built command where all that could make it talk is switched on, with secrets in its environment that are none of its
// business.
func (s *secretive) command(args ...string) *exec.Cmd {
	cmd := exec.Command("trefoil", append([]string{"--config", s.config}, args...)...)
	cmd.Dir = s.state
	cmd.Env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + s.state, "TMPDIR=" + s.state, promptly, "GODEBUG=http2debug=2",
		"GIT_TRACE=1", "GIT_TRACE_PACKET=1", "GIT_TRACE_CURL=1",
		"GIT_CURL_VERBOSE=1", "KUBE_LOG_LEVEL=10", "DEBUG=1", "GOTRACEBACK=all",
	}
	for _, name := range []string{"GITHUB_TOKEN", "POLYAXON_AUTH_TOKEN", "AWS_SECRET_ACCESS_KEY", "TREFOIL_SECRET"} {
		c := canary.New("variable " + name)
		s.canaries = append(s.canaries, c)
		cmd.Env = append(cmd.Env, name+"="+c.Secret)
	}
	return cmd
}

// keep runs a command and keeps what it says, and reports whether it went well.
func (s *secretive) keep(args ...string) bool {
	s.Helper()
	out, err := s.command(args...).CombinedOutput()
	if _, ended := errors.AsType[*exec.ExitError](err); err != nil && !ended {
		s.Fatalf("%q: %v", args, err)
	}
	s.note(fmt.Sprintf("trefoil %s, %d", strings.Join(args, " "), len(s.seen)), string(out))
	return err == nil
}

func (s *secretive) note(name, text string) { s.seen[name] = text }

// commands runs what reads the repository, all of which goes well.
func (s *secretive) commands() {
	s.Helper()
	here := filepath.Join(s.state, "checkout")
	s.git.git(s.state, "clone", "-q", s.git.bare, here)
	for _, args := range [][]string{
		{"run", "--once"}, {"status"}, {"status", "-o", "json"}, {"plan", "--live"}, {"validate", "--repo", s.url}, {"history", "--repo", s.url},
		{"status", "--local", "-C", here}, {"render", "-C", here},
	} {
		if !s.keep(args...) {
			s.Errorf("%q fails", args)
		}
	}
}

// hostile has the git server refuse all of it, in each way that there is for a way to log in.
func (s *secretive) hostile() {
	s.Helper()
	s.shut.Store(true)
	for i, answer := range hostilities() {
		s.origin.turn(answer)
		for _, args := range [][]string{{"run", "--once"}, {"validate", "--repo", s.url}} {
			if s.keep(args...) {
				s.Errorf("hostility %d: %q goes well", i, args)
			}
		}
		if s.origin.wants == "" {
			break // it does not come so far
		}
	}
	s.keep("status", "-o", "json")
	s.live("with a hostile server")
	s.peace()
}

// hostileEngines has Polyaxon and the cluster refuse all of it.
func (s *secretive) hostileEngines() {
	s.Helper()
	for _, answer := range hostilities() {
		for _, engine := range s.engines {
			engine.turn(answer)
		}
		if s.keep("run", "--once") {
			s.Error("run goes well without engines")
		}
		s.keep("status")
	}
	for _, engine := range s.engines {
		if engine.refusals() == 0 {
			s.Error("an engine was not asked while it was hostile")
		}
	}
	s.peace()
	said := 0
	for _, text := range s.seen {
		said += strings.Count(text, redact.Mark)
	}
	if said < len(hostilities()) {
		s.Errorf("%d times was something redacted: the servers did not come to say what they repeat", said)
	}
}

func (s *secretive) peace() {
	s.shut.Store(false)
	s.origin.turn(nil)
	for _, engine := range s.engines {
		engine.turn(nil)
	}
}

// live has the daemon run until it was refused or has made passes, and ends it so that it says what each goroutine does.
func (s *secretive) live(name string) {
	s.Helper()
	log := new(shared)
	daemon := s.command("run")
	daemon.Stdout, daemon.Stderr = log, log
	if err := daemon.Start(); err != nil {
		s.Fatal(err)
	}
	says := func(pattern string) string {
		found := regexp.MustCompile(pattern)
		s.git.eventually(pattern, func() bool { return found.MatchString(log.String()) })
		return found.FindStringSubmatch(log.String())[1]
	}
	hooks, pages := says(`takes webhooks" address=(\S+)`), says(`msg=listens address=(\S+)`)
	says(`(planning on|ERROR|WARN)`)
	for what, secret := range map[string]string{"right": s.hook, "wrong": s.hook + "x"} {
		r, err := http.NewRequest(http.MethodPost, "http://"+hooks+"/webhook", strings.NewReader(`{"ref": "refs/heads/main"}`))
		if err != nil {
			s.Fatal(err)
		}
		r.Header.Set("X-Gitlab-Token", secret)
		s.note(name+": the answer to a webhook that is "+what, s.answer(r))
	}
	for _, page := range []string{"metrics", "healthz", "readyz", "debug/pprof/"} {
		r, err := http.NewRequest(http.MethodGet, "http://"+pages+"/"+page, http.NoBody)
		if err != nil {
			s.Fatal(err)
		}
		s.note(name+": /"+page, s.answer(r))
	}
	if err := daemon.Process.Signal(syscall.SIGQUIT); err != nil {
		s.Fatal(err)
	}
	_ = daemon.Wait() // with an exit code
	s.giveBack()
	if !strings.Contains(log.String(), "goroutine 1 ") {
		s.Errorf("%s: no goroutine is told of", name)
	}
	s.note(name+": the log of the daemon", log.String())
}

// giveBack gives back the lease of a daemon that had no time to.
func (s *secretive) giveBack() {
	s.cluster.mu.Lock()
	defer s.cluster.mu.Unlock()
	s.cluster.lease = nil
}

func (s *secretive) answer(r *http.Request) string {
	s.Helper()
	reply, err := http.DefaultClient.Do(r)
	if err != nil {
		s.Fatal(err)
	}
	defer reply.Body.Close()
	body := new(bytes.Buffer)
	if _, err := body.ReadFrom(reply.Body); err != nil {
		s.Fatal(err)
	}
	return fmt.Sprintln(reply.Status, reply.Header, body)
}
