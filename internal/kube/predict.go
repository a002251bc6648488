package kube

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"

	"github.com/trefoil-gitops/trefoil/reconcile"
	"github.com/trefoil-gitops/trefoil/render"
)

// ErrNotServed says that nothing answers in the place of a SeldonDeployment.
var ErrNotServed = errors.New("nothing answers there")

// ErrForbidden says that who asks lacks the right to create services/proxy in the namespace.
var ErrForbidden = errors.New("create on services/proxy is needed")

// Predictor asks the models behind SeldonDeployments, through the API server and the Services that Seldon made: nothing has to be open
// to the outside, and who asks needs the right to create services/proxy in those namespaces.
type Predictor struct {
	host    *url.URL
	client  *http.Client
	longest int64 // bytes of an answer that are read
}

// NewPredictor sends no request. Of an answer it reads at most so many bytes.
func NewPredictor(cluster *rest.Config, longest int64) (*Predictor, error) {
	config := rest.CopyConfig(cluster)
	config.Wrap(tellingly(config, longest))
	client, err := rest.HTTPClientFor(config)
	if err != nil {
		return nil, fmt.Errorf("cluster: %w", err)
	}
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse } // the credentials would go there too
	host, _, err := rest.DefaultServerUrlFor(config)
	if err != nil {
		return nil, fmt.Errorf("cluster: %w", err)
	}
	return &Predictor{host: host, client: client, longest: longest}, nil
}

// Ask returns the answer with the status of HTTP that the model gave it. The error wraps ErrNotServed where there is no Service, or no
// pod of it is ready, and ErrForbidden. To be sent elsewhere is an error: a model may say where.
func (p *Predictor) Ask(ctx context.Context, at render.Ref, request []byte) (answer []byte, status int, err error) {
	service := render.ServiceName(at)
	to := p.host.JoinPath("api/v1/namespaces", at.Namespace, "services", service+":http", "proxy/api/v1.0/predictions")
	ask, err := http.NewRequestWithContext(ctx, http.MethodPost, to.String(), bytes.NewReader(request))
	if err != nil {
		return nil, 0, err
	}
	ask.Header.Set("Content-Type", "application/json")
	reply, err := p.client.Do(ask)
	if err != nil {
		var failed *url.Error
		if errors.As(err, &failed) {
			err = failed.Err // without the URL, which says nothing to people
		}
		return nil, 0, fmt.Errorf("the cluster can't be reached: %w", err)
	}
	defer reply.Body.Close()
	if answer, err = io.ReadAll(io.LimitReader(reply.Body, p.longest)); err != nil {
		return nil, 0, fmt.Errorf("the answer broke off: %w", err)
	}
	return answer, reply.StatusCode, refusal(answer, reply.StatusCode, at.Namespace+"/"+service)
}

// refusal is the API server's own word in place of the model's; nil where the model has answered.
func refusal(answer []byte, status int, service string) error {
	if status/100 == 3 {
		return fmt.Errorf("the model behind Service %s redirects (%d %s), and no redirect is followed", service, status, http.StatusText(status))
	}
	var said metav1.Status
	_ = json.Unmarshal(answer, &said) // what can't be read is the model's
	if status < http.StatusBadRequest || said.Kind != "Status" {
		return nil
	}
	switch status {
	case http.StatusNotFound:
		return fmt.Errorf("%w: there is no Service %s yet", ErrNotServed, service)
	case http.StatusServiceUnavailable:
		return fmt.Errorf("%w: no pod of Service %s is ready", ErrNotServed, service)
	case http.StatusForbidden:
		return fmt.Errorf("no way to Service %s through the API server: %w", service, ErrForbidden)
	}
	return fmt.Errorf("the cluster says: %s", reconcile.Line(said.Message))
}
