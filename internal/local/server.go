package local

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/trefoil-gitops/trefoil/internal/local/seldon"
)

// loading is how long a model may take until it is ready.
const loading = 5 * time.Minute

// serve starts a server for an image and returns once it is ready.
func (e *Engine) serve(ctx context.Context, r record, want deployment) (*server, error) {
	dir, err := e.unpack(want.image)
	if err != nil {
		return nil, err
	}
	v, err := serving(dir)
	if err != nil {
		return nil, err
	}
	python, err := e.python(ctx, dir, func(line string) { e.say(r, line) })
	if err != nil {
		return nil, err
	}
	script := filepath.Join(e.options.Dir, "server.py")
	if err := replace(script, seldon.Server); err != nil {
		return nil, err
	}
	s := &server{image: want.image, name: filepath.Join(e.options.Dir, "logs", r.Namespace+"+"+r.Name+".txt"), began: time.Now()}
	if err := os.MkdirAll(filepath.Dir(s.name), 0o700); err != nil {
		return nil, err
	}
	_ = os.Rename(s.name, s.name+".1") // what the one before says, or said; there need be none
	if s.log, err = createLog(s.name); err != nil {
		return nil, err
	}
	ready := make(chan int, 1)
	c := command{
		dir: dir, argv: []string{"python", script, v.model}, mark: e.mark(r.UID + "/" + strconv.FormatInt(s.began.UnixNano(), 36)),
		env: servingEnvironment(python, v, r, want), log: s.log, out: &announcement{ready: ready, rest: s.log}, tied: true,
	}
	if s.group, err = c.start(); err != nil {
		s.log.Close()
		return nil, err
	}
	return s, s.await(ctx, ready)
}

// await returns once the server says where it listens; with an error it has ended.
func (s *server) await(ctx context.Context, ready <-chan int) error {
	late := time.NewTimer(loading)
	defer late.Stop()
	select {
	case port := <-ready:
		s.address = net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
		return nil
	case <-s.group.done:
		defer s.log.Close()
		return s.failure("it does not start")
	case <-late.C:
		s.group.stop()
		defer s.log.Close()
		return s.failure(fmt.Sprintf("it was not ready within %v", loading))
	case <-ctx.Done():
		s.group.stop()
		s.log.Close()
		return context.Cause(ctx)
	}
}

// servingEnvironment is that of a serving process: what the image says, and what Seldon's operator adds.
func servingEnvironment(python string, v variables, r record, want deployment) []string {
	env := append(environment(python), threads(1)...)
	env = append(env, v.env...)
	return append(env, "PYTHONDONTWRITEBYTECODE=1", // the folder stays what the image says
		"PREDICTIVE_UNIT_ID="+want.node, "PREDICTIVE_UNIT_IMAGE="+want.image, "PREDICTOR_ID=main", "SELDON_DEPLOYMENT_ID="+r.Name)
}

// announcement finds the first line of a server, by which it says that it is ready and at which port.
type announcement struct {
	ready chan<- int
	rest  *logFile
	line  []byte
	found bool
}

func (a *announcement) Write(p []byte) (int, error) {
	const longestLine = 1 << 10
	if a.found || len(a.line) > longestLine {
		return a.rest.Write(p)
	}
	a.line = append(a.line, p...)
	line, after, whole := bytes.Cut(a.line, []byte("\n"))
	if !whole {
		return len(p), nil
	}
	var says struct{ Port int }
	if err := json.Unmarshal(line, &says); err == nil && says.Port > 0 {
		a.ready <- says.Port
	}
	a.found = true
	_, _ = a.rest.Write(after) // never fails
	return len(p), nil
}

// digestOf is the digest in the name of an image, in hexadecimal digits.
func digestOf(image string) (string, error) {
	_, sum, found := strings.Cut(image, "@sha256:")
	if !found || len(sum) != 64 || strings.Trim(sum, "0123456789abcdef") != "" {
		return "", errors.New("the image is not named by its digest: " + image)
	}
	return sum, nil
}
