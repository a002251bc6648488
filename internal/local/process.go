package local

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"
)

const (
	// notice is how long a process may take to end after it was asked to.
	notice = 5 * time.Second
	// lingering is how long the output of a process is waited for that has ended, but left children behind.
	lingering = 2 * time.Second
	// markName is a variable in the environment of all that an Engine starts: by it processes are found that left their group.
	markName = "TREFOIL_LOCAL"
)

// group is a process and all that it started.
type group struct {
	mark string
	cmd  *exec.Cmd
	done chan struct{} // closed once it has ended
	err  error         // how, after done
}

// command is a process to be started.
type command struct {
	dir  string
	argv []string
	env  []string // all of it, but the mark
	mark string   // of this process among those of the Engine
	// log takes what it says; out, if there is one, what it says on its standard output.
	log, out io.Writer
	// tied makes the end of this process close its standard input, so that it can end too.
	tied bool
}

// start starts a process in a group of its own, which the end of this process does not outlive where the system can promise that.
func (c command) start() (*group, error) {
	program, err := look(c.argv[0], c.dir, c.env)
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(program, c.argv[1:]...)
	cmd.Args[0] = c.argv[0]
	cmd.Dir, cmd.Env = c.dir, append(c.env, markName+"="+c.mark)
	cmd.Stdout, cmd.Stderr, cmd.WaitDelay = c.log, c.log, lingering
	if c.out != nil {
		cmd.Stdout = c.out
	}
	cmd.SysProcAttr = attributes()
	if c.tied {
		if _, err := cmd.StdinPipe(); err != nil { // closed by Wait, and by the end of this process
			return nil, err
		}
	}
	g := &group{mark: c.mark, cmd: cmd, done: make(chan struct{})}
	began := make(chan error)
	go g.live(began)
	return g, <-began
}

// live starts the process and waits for its end. The system ends the process with the thread that started it, so that thread is kept.
func (g *group) live(began chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	err := g.cmd.Start()
	began <- err
	if err != nil {
		return
	}
	defer close(g.done)
	err = g.cmd.Wait()
	if !errors.Is(err, exec.ErrWaitDelay) { // it ended well, and left somebody who still holds its output
		g.err = err
	}
	g.kill()
}

// stop asks the group to end, and makes it end if it does not. It returns once nothing of it is left.
func (g *group) stop() {
	_ = syscall.Kill(-g.cmd.Process.Pid, syscall.SIGTERM) // an error says that it has ended
	select {
	case <-g.done:
	case <-time.After(notice):
		g.kill()
		<-g.done
	}
}

// kill ends what is left of the group, and what left the group.
func (g *group) kill() {
	_ = syscall.Kill(-g.cmd.Process.Pid, syscall.SIGKILL)
	sweep(g.mark)
}

// sweep ends all processes whose mark begins with that. They may start others meanwhile, so it looks again until there are none.
func sweep(mark string) {
	const looks = 20
	for range looks {
		all := marked(mark)
		if len(all) == 0 {
			return
		}
		for _, pid := range all {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
		time.Sleep(10 * time.Millisecond) // the system takes a moment to end them
	}
}

// isMarked reports whether an environment has a mark that begins with that.
func isMarked(environment, mark string) bool {
	for entry := range strings.SplitSeq(environment, "\x00") {
		if value, found := strings.CutPrefix(entry, markName+"="); found && strings.HasPrefix(value, mark) {
			return true
		}
	}
	return false
}

// look finds a program as a shell would that has the environment of the process, and not ours.
func look(name, dir string, env []string) (string, error) {
	if strings.ContainsRune(name, filepath.Separator) {
		if !filepath.IsAbs(name) {
			name = filepath.Join(dir, name)
		}
		return name, nil
	}
	for _, entry := range env {
		list, found := strings.CutPrefix(entry, "PATH=")
		if !found {
			continue
		}
		for _, folder := range filepath.SplitList(list) {
			program := filepath.Join(folder, name)
			if about, err := os.Stat(program); err == nil && about.Mode().IsRegular() && about.Mode()&0o111 != 0 {
				return program, nil
			}
		}
	}
	return "", fmt.Errorf("%s: %w on this machine", name, exec.ErrNotFound)
}

// ending says how a process ended, in words for people.
func ending(err error) string {
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		return err.Error()
	}
	if status, ok := exit.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return fmt.Sprintf("ended by signal %d (%s)", status.Signal(), status.Signal())
	}
	return fmt.Sprintf("exit code %d", exit.ExitCode())
}
