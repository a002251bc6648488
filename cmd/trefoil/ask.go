package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"

	"github.com/trefoil-gitops/trefoil/internal/kube"
	"github.com/trefoil-gitops/trefoil/reconcile"
	"github.com/trefoil-gitops/trefoil/render"
)

// way is how a request gets to the model behind a SeldonDeployment, and the answer back, with its status of HTTP.
type way func(ctx context.Context, at render.Ref, request []byte) (answer []byte, status int, err error)

// way is that of an ingress, or without one through the API server. At most so many bytes of an answer are read.
func (c config) way(ingress string, longest int64) (way, error) {
	if ingress != "" {
		return through(ingress, longest), nil
	}
	cluster, err := kube.Config(c.Kubernetes.Kubeconfig, c.Kubernetes.Context)
	if err != nil {
		return nil, err
	}
	predictor, err := kube.NewPredictor(cluster, longest)
	if err != nil {
		return nil, err
	}
	return predictor.Ask, nil
}

// through is the way of an ingress of Seldon's. It goes nowhere else: who answers could say where.
func through(ingress string, longest int64) way {
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return func(ctx context.Context, at render.Ref, request []byte) ([]byte, int, error) {
		to, err := url.JoinPath(ingress, "seldon", at.Namespace, at.Name, "api/v1.0/predictions")
		if err != nil {
			return nil, 0, fmt.Errorf("--url or kubernetes.ingress: %w", err)
		}
		r, err := http.NewRequestWithContext(ctx, http.MethodPost, to, bytes.NewReader(request))
		if err != nil {
			return nil, 0, fmt.Errorf("--url or kubernetes.ingress: %w", err)
		}
		r.Header.Set("Content-Type", "application/json")
		reply, err := client.Do(r)
		if err != nil {
			return nil, 0, fmt.Errorf("no answer: %w", err)
		}
		defer reply.Body.Close()
		if to, err := reply.Location(); err == nil && reply.StatusCode/100 == 3 {
			return nil, 0, fmt.Errorf("it redirects to %s://%s (%d), and no redirect is followed: is that the right --url or kubernetes.ingress?",
				to.Scheme, reconcile.Line(to.Host), reply.StatusCode)
		}
		answer, err := io.ReadAll(io.LimitReader(reply.Body, longest))
		return answer, reply.StatusCode, err
	}
}

// longestCheck is what is read of an answer to a check, in bytes: enough for the loop to see that it is too long.
const longestCheck = reconcile.LongestAnswer + 1

// ask has the daemon ask models for their checks on the way that predict takes.
func (d *daemon) ask() error {
	w, err := d.config.way(d.config.Kubernetes.Ingress, longestCheck)
	if err == nil {
		d.checks(w)
	}
	return err
}

// checks has it ask them on that way.
func (d *daemon) checks(w way) {
	d.loop.Ask = func(ctx context.Context, at render.Ref, request []byte) ([]byte, error) {
		answer, status, err := w(ctx, at, request)
		switch {
		case errors.Is(err, kube.ErrForbidden):
			return nil, fmt.Errorf("%w: deploy/checks gives the daemon that right; with kubernetes.ingress it needs none", err)
		case err != nil:
			return nil, err
		case status != http.StatusOK:
			return nil, fmt.Errorf("the model says %d %s: %s", status, http.StatusText(status), complaint(answer))
		}
		return answer, nil
	}
}
