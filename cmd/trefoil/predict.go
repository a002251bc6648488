package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/trefoil-gitops/trefoil/internal/kube"
	"github.com/trefoil-gitops/trefoil/reconcile/plan"
	"github.com/trefoil-gitops/trefoil/render"
	"github.com/trefoil-gitops/trefoil/schema"
)

// longestAnswer of a model is read, in bytes.
const longestAnswer = 16 << 20

// refused is the exit code where the model has answered that it does not.
const refused = 2

// question is one run of `trefoil predict`.
type question struct {
	here        localFlags
	environment string
	data        string
	url         string
	timeout     time.Duration
}

func (a *app) predict() *cobra.Command {
	var q question
	cmd := &cobra.Command{
		Use:   "predict MODEL --data JSON|@FILE|-",
		Short: "Ask the served model, and say which release answered",
		Long: "Sends a request to the served model and prints its answer, and to standard error which release gave it. The way there is\n" +
			"kubernetes.ingress or --url; without them the API server hands the request on, which needs no ingress.\n\n" +
			"Exit code 0: answered. 1: an error. 2: the model refused.",
		ValidArgsFunction: a.complete,
		RunE: func(cmd *cobra.Command, words []string) error {
			if len(words) != 1 {
				return errors.New("name one model, such as trefoil predict mnist")
			}
			return a.ask(cmd, words[0], q)
		},
	}
	q.here.addRun(cmd)
	cmd.Flags().StringVar(&q.environment, "environment", "", "`name` of the environment; may be left out where there is one")
	cmd.Flags().StringVar(&q.data, "data", "", "the request: JSON, @FILE, or - for standard input")
	cmd.Flags().DurationVar(&q.timeout, "timeout", time.Minute, "how long the model may take for the answer")
	cmd.Flags().StringVar(&q.url, "url", "", "`URL` of the ingress, before /seldon/NAMESPACE/NAME")
	return cmd
}

func (a *app) ask(cmd *cobra.Command, name string, q question) error {
	request, err := q.request(cmd.InOrStdin())
	if err != nil {
		return err
	}
	s := specs{}
	if s.config, err = a.config(cmd.Flags()); err != nil {
		return err
	}
	folder := q.here.local || cmd.Flags().Changed("directory") || s.config.Repository.URL == ""
	tree, err := s.tree(cmd.Context(), a.flags.dir, !folder)
	if err != nil {
		return err
	}
	if s.catalog, err = a.load(cmd.Context(), tree); err != nil {
		return err
	}
	e, err := environmentOf(s.catalog, name, q.environment)
	if err != nil {
		return err
	}
	if _, waits := plan.Served(s.catalog.Selected[name], e); waits != "" {
		return fmt.Errorf("%s/%s is not served yet: it %s", name, e.Name, waits)
	}
	answer, status, err := q.send(cmd.Context(), s.config, render.DeploymentRef(e), request)
	switch {
	case errors.Is(err, kube.ErrNotServed):
		return fmt.Errorf("%s/%s: %w (try: trefoil status %s)", name, e.Name, err, name)
	case err != nil:
		return fmt.Errorf("%s/%s: %w", name, e.Name, err)
	case status != http.StatusOK:
		return exit{refused, fmt.Errorf("%s/%s says %d %s: %s", name, e.Name, status, http.StatusText(status), complaint(answer))}
	}
	return a.answered(name, e, s.catalog.Selected[name], answer)
}

// request is what is asked. That it is JSON is seen here, where the place of a mistake can be told.
func (q question) request(in io.Reader) ([]byte, error) {
	if q.data == "" {
		return nil, errors.New("--data: give the request as JSON, @FILE, or - for standard input")
	}
	data, from, err := []byte(q.data), "--data", error(nil)
	if file, named := strings.CutPrefix(q.data, "@"); named {
		from = file
		data, err = os.ReadFile(file)
	} else if q.data == "-" {
		from = "standard input"
		data, err = io.ReadAll(in)
	}
	if err != nil {
		return nil, fmt.Errorf("--data: %w", err)
	}
	var any json.RawMessage
	if err := json.Unmarshal(data, &any); err != nil {
		return nil, fmt.Errorf(`%s is no JSON such as {"data": {"ndarray": [[1, 2]]}}: %w`, from, err)
	}
	return data, nil
}

// environmentOf is the environment of that name, or the only one.
func environmentOf(c schema.Catalog, name, environment string) (schema.Environment, error) {
	if err := known([]string{name}, c, plan.Plan{}); err != nil {
		return schema.Environment{}, err
	}
	if f, frozen := c.Frozen(name, environment); frozen {
		return schema.Environment{}, fmt.Errorf("%s has an error at %s: %s (try: trefoil validate)", name, f.Pos, f.Message)
	}
	i := slices.IndexFunc(c.Models, func(m schema.Model) bool { return m.Name == name })
	if i < 0 {
		return schema.Environment{}, fmt.Errorf("%s is not in models any more", name)
	}
	var names []string
	for _, e := range c.Models[i].Serve {
		if e.Name == environment || environment == "" && len(c.Models[i].Serve) == 1 {
			return e, nil
		}
		names = append(names, e.Name)
	}
	switch {
	case len(names) == 0:
		return schema.Environment{}, fmt.Errorf("%s is served nowhere: it has no environment in serve", name)
	case environment == "":
		return schema.Environment{}, fmt.Errorf("%s is served in %s: say which with --environment", name, strings.Join(names, " and "))
	}
	return schema.Environment{}, fmt.Errorf("%s has no environment %q; there %s", name, environment, listed(names))
}

// send asks the model on the way that is configured.
func (q question) send(ctx context.Context, c config, at render.Ref, request []byte) ([]byte, int, error) {
	base := cmp.Or(q.url, c.Kubernetes.Ingress)
	if q.here.local {
		base = cmp.Or(q.url, fmt.Sprintf("http://127.0.0.1:%d", q.here.port))
	}
	w, err := c.way(base, longestAnswer)
	if err != nil {
		return nil, 0, err
	}
	inner, cancel := context.WithTimeout(ctx, q.timeout)
	defer cancel()
	answer, status, err := w(inner, at, request)
	switch {
	case err != nil && errors.Is(inner.Err(), context.DeadlineExceeded):
		err = fmt.Errorf("no answer within %v (try: --timeout)", q.timeout)
	case errors.Is(err, kube.ErrForbidden):
		err = fmt.Errorf("%w (or --url of an ingress)", err)
	case err != nil && q.here.local && ctx.Err() == nil:
		err = fmt.Errorf("%w (is trefoil run --local running, with the same --port?)", err)
	}
	return answer, status, err
}
