package local

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"github.com/trefoil-gitops/trefoil/reconcile/plan"
)

// trial is one run of an experiment.
type trial struct {
	place
	operation operation
	point     map[string]any
	code      code
}

// experiment runs a trial to its end and notes how that was. Where this process ends first nothing is noted, and it is run again.
func (e *Engine) experiment(ctx context.Context, t trial) {
	err := e.begin(t)
	if err == nil {
		err = e.trial(ctx, t)
	}
	_ = os.RemoveAll(t.work()) // the code; what is kept are the outputs and the log
	phase, message := plan.Succeeded, ""
	switch {
	case errors.Is(context.Cause(ctx), errStopped):
		phase = plan.Stopped
	case ctx.Err() != nil:
		return
	case err != nil:
		phase, message = plan.Failed, err.Error()
	}
	ended, metrics := e.now(), e.fromFile(t.place)
	e.until(ctx, "the end of experiment "+t.uid, func() error {
		return e.noted(t.place, func(s *state) {
			if s.Metrics == nil {
				s.Metrics = map[string]metric{}
			}
			maps.Copy(s.Metrics, metrics)
			if odd := unusable(s.Metrics); phase == plan.Succeeded && odd != "" {
				message = "it reported " + odd + "; " + words(t.said(), t.shown())
			}
			s.Phase, s.Message, s.Ended = phase, message, ended
		})
	})
	e.options.Poke()
}

// unusable says what is wrong with the metrics of an experiment that succeeded; empty for nothing.
func unusable(metrics map[string]metric) string {
	if len(metrics) == 0 {
		return "no metric"
	}
	for _, name := range slices.Sorted(maps.Keys(metrics)) {
		if v := float64(metrics[name]); math.IsNaN(v) || math.IsInf(v, 0) {
			return fmt.Sprintf("%s %v", name, v)
		}
	}
	return ""
}

// work is where the experiment's own copy of the code is while it runs.
func (x place) work() string { return filepath.Join(x.dir, "code") }

// begin makes the folder anew: what an earlier run left that did not end counts for nothing.
func (e *Engine) begin(t trial) error {
	if err := os.RemoveAll(t.dir); err != nil {
		return err
	}
	if err := os.MkdirAll(t.outputs(), 0o700); err != nil {
		return err
	}
	if err := writeJSON(t.state(), state{Phase: plan.Running}); err != nil {
		return err
	}
	return t.code.copyTo(t.work())
}

// trial runs the command. The error says how it failed, with its last words.
func (e *Engine) trial(ctx context.Context, t trial) error {
	log, err := createLog(t.log())
	if err != nil {
		return err
	}
	defer log.Close()
	c, err := e.command(t)
	if err != nil {
		return err
	}
	c.log = log
	g, err := c.start()
	if err != nil {
		return err
	}
	late := time.NewTimer(t.operation.timeout())
	defer late.Stop()
	select {
	case <-ctx.Done():
		g.stop()
		return context.Cause(ctx)
	case <-late.C:
		g.stop()
		err = fmt.Errorf("it took longer than train.timeout, %v", t.operation.timeout())
	case <-g.done:
		if g.err == nil {
			return nil
		}
		err = errors.New(ending(g.err))
	}
	return fmt.Errorf("%w; %s", err, words(log.tail(), t.shown()))
}

// command is the experiment's, with its templates filled in.
func (e *Engine) command(t trial) (command, error) {
	values := t.operation.values(t.point, t.place)
	c := command{dir: t.code.within(t.work()), mark: e.mark(t.uid)}
	for _, word := range t.operation.argv() {
		word, err := filled(word, values)
		if err != nil {
			return c, fmt.Errorf("train.command: %w", err)
		}
		c.argv = append(c.argv, word)
	}
	if len(c.argv) == 0 {
		return c, errors.New("there is no train.command, and no image is run on this machine")
	}
	c.env = append(environment(t.code.python), threads(t.operation.threads())...)
	c.env = append(c.env, e.tracker.variables(t.place)...)
	for _, v := range t.operation.Component.Run.Container.Env {
		value, err := filled(v.Value, values)
		if err != nil {
			return c, fmt.Errorf("variable %s: %w", v.Name, err)
		}
		c.env = append(c.env, v.Name+"="+value)
	}
	return c, nil
}

// threads are the variables by which numerical libraries learn how many threads to use.
func threads(n int) []string {
	var all []string
	for _, name := range []string{"OMP", "OPENBLAS", "MKL", "VECLIB_MAXIMUM", "NUMEXPR"} {
		all = append(all, name+"_NUM_THREADS="+strconv.Itoa(n))
	}
	return all
}
