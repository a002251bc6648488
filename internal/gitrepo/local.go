package gitrepo

import (
	"context"
	"fmt"
	"os/exec"
	"sync"
	"time"
)

// local runs git's own commands on a repository of this machine.
type local struct {
	path   string
	limits *limits
	env    []string // nil: that of this process
}

func (l *local) read(ctx context.Context) (reading, error) { return l.start(ctx, uploadPack) }

func (l *local) write(ctx context.Context) (writing, error) { return l.start(ctx, receivePack) }

func (l *local) start(ctx context.Context, service string) (*stream, error) {
	command := exec.CommandContext(ctx, "git", service, "--", l.path)
	command.Env = l.env
	command.WaitDelay = time.Second // a hook may keep the pipes open after git was killed
	said := new(remark)
	command.Stderr = said
	in, err := command.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := command.Start(); err != nil {
		return nil, fmt.Errorf("file URLs need git on this machine: %w", err)
	}
	wait := sync.OnceValue(command.Wait)
	end := func() error { _ = out.Close(); return wait() } // a command that still writes ends by the closed pipe
	return &stream{service: service, in: in, out: &capped{Reader: out}, said: said, wait: wait, end: end, limits: l.limits}, nil
}
