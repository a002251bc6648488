package local

import (
	"context"

	"github.com/trefoil-gitops/trefoil/internal/local/python"
)

// packages makes the environment that a source folder asks for.
func (e *Engine) packages(ctx context.Context, source string, told func(line string)) (programs string, err error) {
	interpreter, err := python.Find(ctx, e.options.Interpreter)
	if err != nil {
		return "", err
	}
	return interpreter.Ensure(ctx, python.Request{
		Cache: e.options.Cache, Source: source, Env: append(environment(""), markName+"="+e.mark("packages")), Told: told,
	})
}
