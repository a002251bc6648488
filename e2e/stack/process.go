//go:build e2e

package stack

import (
	"bytes"
	"context"
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

	"golang.org/x/sys/unix"
)

const (
	tailLines = 15      // of a log, in an error
	tailBytes = 8 << 10 // read from the end of a log for those lines
)

// A process is one program of the stack in a process group of its own, with
// both outputs in one log file. The group ends with the program.
type process struct {
	name string
	log  string // path of the log file
	cmd  *exec.Cmd
	done chan struct{} // closed once the program has ended and err is set
	err  error         // of Wait; read only after done
}

// start runs argv with its output in dir/name.log. The program gets PATH and
// HOME of the caller and env, nothing else, so that no KUBECONFIG or proxy of a
// developer's shell leaks in. ctx bounds the start alone: a started program
// runs until stop, kill or the death of this process.
func start(ctx context.Context, dir, name string, env []string, argv ...string) (*process, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	p := &process{name: name, log: filepath.Join(dir, name+".log"), done: make(chan struct{})}
	log, err := os.OpenFile(p.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	defer log.Close()
	p.cmd = exec.Command(argv[0], argv[1:]...)
	p.cmd.Dir = dir
	p.cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME")}, env...)
	p.cmd.Stdout, p.cmd.Stderr = log, log
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	started := make(chan error, 1)
	go p.run(started)
	if err := <-started; err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	return p, nil
}

// run starts the program and waits for it on one locked thread: the
// parent-death signal is sent when the starting thread ends, not the process.
func (p *process) run(started chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	err := p.cmd.Start()
	started <- err
	if err != nil {
		return
	}
	// The group is ended while its leader is not reaped yet: as long as that
	// holds the id, it can't be another group's.
	_ = ignoringEINTR(func() error {
		return unix.Waitid(unix.P_PID, p.pid(), nil, unix.WEXITED|unix.WNOWAIT, nil)
	})
	p.signal(syscall.SIGKILL)
	p.err = p.cmd.Wait()
	close(p.done)
}

func ignoringEINTR(call func() error) error {
	for {
		if err := call(); !errors.Is(err, syscall.EINTR) {
			return err
		}
	}
}

// ended tells whether the program is gone.
func (p *process) ended() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// pid is the process's id, which is its process group's id too.
func (p *process) pid() int { return p.cmd.Process.Pid }

// stop asks the process group to end and kills it after grace. It returns once
// the program is gone; stopping twice is fine.
func (p *process) stop(grace time.Duration) {
	p.signal(syscall.SIGTERM)
	select {
	case <-p.done:
	case <-time.After(grace):
	}
	p.kill()
}

// kill ends the process group at once (SIGKILL), its children included, and
// waits for the program's end.
func (p *process) kill() {
	p.signal(syscall.SIGKILL)
	<-p.done
}

// signal reaches the whole group; that it is gone already is no error.
func (p *process) signal(s syscall.Signal) {
	if !p.ended() {
		_ = syscall.Kill(-p.pid(), s)
	}
}

// failure is err with the name of the log and its last lines.
func (p *process) failure(err error) error {
	tail, readErr := tailOf(p.log)
	if readErr != nil {
		return fmt.Errorf("%s: %w (log: %w)", p.name, err, readErr)
	}
	return fmt.Errorf("%s: %w; the end of %s:\n%s", p.name, err, p.log, tail)
}

// errExited is what waitReady says of a program that ended too early.
var errExited = errors.New("ended before it was ready")

// waitReady probes until probe succeeds. It fails at once when p ends, and when
// ctx does, with the end of p's log. what names the awaited state in errors. A
// probe gets 5 seconds.
func waitReady(ctx context.Context, p *process, what string, probe func(context.Context) error) error {
	const pause = 100 * time.Millisecond
	last := errors.New("not asked yet")
	for {
		probing, cancel := context.WithTimeout(ctx, 5*time.Second)
		err := probe(probing)
		cancel()
		if err == nil {
			return nil
		}
		if ctx.Err() == nil {
			last = err // one that is cut off by ctx says less
		}
		select {
		case <-p.done:
			return p.failure(fmt.Errorf("%s: %w (%v)", what, errExited, p.cmd.ProcessState))
		case <-ctx.Done():
			return p.failure(fmt.Errorf("%s: %w: %w", what, context.Cause(ctx), last))
		case <-time.After(pause):
		}
	}
}

// tailOf returns the last lines of a file, indented.
func tailOf(path string) (string, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return "", err
	}
	text, err := io.ReadAll(io.NewSectionReader(file, max(0, info.Size()-tailBytes), tailBytes))
	if err != nil {
		return "", err
	}
	return lastLines(text), nil
}

// lastLines are the last lines of a text, indented.
func lastLines(text []byte) string {
	lines := strings.Split(string(bytes.TrimSpace(text)), "\n")
	lines = lines[max(0, len(lines)-tailLines):]
	return "\t" + strings.Join(lines, "\n\t")
}
