package local

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"net"
	"net/http"
	"os"
	"regexp"
	"syscall"
)

// tracker is the part of Polyaxon's API by which an experiment reports its metrics: PATCH of the outputs of its run. It listens on
// loopback. The uuid of a run is its password: nobody else knows it.
type tracker struct{ url string }

const (
	// owner and project are what an experiment is told of where it runs.
	owner, project = "local", "trefoil"
	// largestReport is how many bytes of metrics are read at a time, and mostMetrics how many names an experiment may report.
	largestReport = 1 << 20
	mostMetrics   = 1000
)

// track begins to listen, until ctx ends.
func (e *Engine) track(ctx context.Context) (*tracker, error) {
	socket, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("experiments could not report their metrics: %w", err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("PATCH /api/v1/{owner}/{project}/runs/{uuid}", e.report)
	listen(ctx, socket, mux)
	return &tracker{url: "http://" + socket.Addr().String()}, nil
}

// variables are those by which an experiment finds the tracker, in Polyaxon's names, and the file that may take its place.
func (t *tracker) variables(x place) []string {
	return []string{
		"POLYAXON_RUN_INSTANCE=" + owner + "." + project + ".runs." + x.uid, "POLYAXON_HOST=" + t.url, "POLYAXON_IS_MANAGED=true",
		"TREFOIL_METRICS_FILE=" + x.metricsFile(),
	}
}

// report takes the outputs of a run.
func (e *Engine) report(w http.ResponseWriter, r *http.Request) {
	text, err := io.ReadAll(http.MaxBytesReader(w, r.Body, largestReport))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	var body struct{ Outputs map[string]any }
	if err := json.Unmarshal(bare(text), &body); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	x, err := e.find(r.PathValue("uuid"))
	if err != nil {
		http.Error(w, "no such run", http.StatusNotFound)
		return
	}
	err = e.noted(x, func(s *state) {
		if s.Ended.IsZero() { // else it is another's word, or came too late
			s.add(body.Outputs)
		}
	})
	if err != nil {
		http.Error(w, "the metrics could not be kept", http.StatusInternalServerError)
		return
	}
	e.options.Poke()
	w.Header().Set("Content-Type", "application/json")
	fmt.Fprintf(w, `{"uuid":%q}`+"\n", x.uid)
}

// add takes the numbers among the outputs as metrics.
func (s *state) add(outputs map[string]any) {
	for name, value := range outputs {
		v, isNumber := value.(float64)
		if text, isText := value.(string); isText {
			v, isNumber = notNumber(text)
		}
		if _, known := s.Metrics[name]; !isNumber || !known && len(s.Metrics) >= mostMetrics {
			continue
		}
		if s.Metrics == nil {
			s.Metrics = map[string]metric{}
		}
		s.Metrics[name] = metric(v)
	}
}

// notNumber reads what Python writes bare into JSON, and other programs between quotes.
func notNumber(text string) (v float64, known bool) {
	switch text {
	case "NaN":
		return math.NaN(), true
	case "Infinity":
		return math.Inf(1), true
	case "-Infinity":
		return math.Inf(-1), true
	}
	return 0, false
}

// quoted finds strings, which are left alone, and bare words that are not numbers.
var quoted = regexp.MustCompile(`"(?:[^"\\]|\\.)*"|-?\b(?:NaN|Infinity)\b`)

// bare puts quotes around what Python writes bare.
func bare(text []byte) []byte {
	return quoted.ReplaceAllFunc(text, func(found []byte) []byte {
		if found[0] == '"' {
			return found
		}
		return []byte(`"` + string(found) + `"`)
	})
}

// fromFile are the metrics that the experiment left in its file: an object, or lines of objects of which later ones go before.
func (e *Engine) fromFile(x place) map[string]metric {
	f, err := regular(os.OpenFile(x.metricsFile(), os.O_RDONLY|syscall.O_NONBLOCK, 0))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	var s state
	if err == nil {
		var text []byte
		text, err = io.ReadAll(io.LimitReader(f, largestReport))
		err = errors.Join(err, s.addAll(bare(text)), f.Close())
	}
	if err != nil {
		e.options.Log.Warn("metrics that could not be read", "file", x.metricsFile(), "error", err)
	}
	return s.Metrics
}

func (s *state) addAll(text []byte) error {
	d := json.NewDecoder(bytes.NewReader(text))
	for {
		var outputs map[string]any
		err := d.Decode(&outputs)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		s.add(outputs)
	}
}
