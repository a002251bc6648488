package kube

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	typedcore "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/rest"

	"github.com/trefoil-gitops/trefoil/internal/redact"
)

// logs reads them from the cluster.
type logs struct{ client typedcore.CoreV1Interface }

func newLogs(cluster *rest.Config) (*logs, error) {
	config := rest.CopyConfig(cluster)
	config.Wrap(func(next http.RoundTripper) http.RoundTripper { return endsOnly{next} })
	config.Wrap(discreetly(config))
	client, err := typedcore.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("cluster: %w", err)
	}
	return &logs{client}, nil
}

// tail is the end of a log.
func (l *logs) tail(ctx context.Context, x tail) (string, error) {
	lines, most := int64(linesAsked), int64(bytesAsked)
	options := corev1.PodLogOptions{Container: x.container, Previous: x.previous, TailLines: &lines, LimitBytes: &most}
	reply := l.client.Pods(x.namespace).GetLogs(x.pod, &options).Do(ctx)
	if err := reply.Error(); err != nil { // in the words of the server, which Raw does not read
		return "", err
	}
	text, err := reply.Raw()
	return string(text), err
}

// endsOnly leaves of each answer its last lines: they are what is read of a log, and may come after a long one.
type endsOnly struct{ next http.RoundTripper }

// RoundTrip is that of the next, and reads the answer as it comes.
func (e endsOnly) RoundTrip(request *http.Request) (*http.Response, error) {
	reply, err := e.next.RoundTrip(request)
	if err != nil {
		return nil, err
	}
	last := redact.Tail{Most: tailBytes}
	_, err = io.Copy(&last, reply.Body)
	if closed := reply.Body.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return nil, err
	}
	text := last.Text()
	reply.Body, reply.ContentLength = io.NopCloser(bytes.NewReader(text)), int64(len(text))
	reply.Header.Set("Content-Length", strconv.Itoa(len(text)))
	return reply, nil
}
