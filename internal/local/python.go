package local

import (
	"context"
	"os"
	"strings"

	"github.com/trefoil-gitops/trefoil/internal/local/python"
)

// packages makes the environment that a source folder asks for.
func (e *Engine) packages(ctx context.Context, source string, told func(line string)) (programs string, err error) {
	interpreter, err := python.Find(ctx, e.options.Interpreter)
	if err != nil {
		return "", err
	}
	return interpreter.Ensure(ctx, python.Request{
		Cache: e.options.Cache, Source: source, Env: append(pipEnvironment(), markName+"="+e.mark("packages")), Told: told,
	})
}

// pipEnvironment is that of what runs here, with what the person has told pip: a mirror, a certificate.
func pipEnvironment() []string {
	env := environment("")
	for _, entry := range os.Environ() {
		if strings.HasPrefix(entry, "PIP_") {
			env = append(env, entry)
		}
	}
	return env
}
