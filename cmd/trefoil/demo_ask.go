package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"
)

const (
	// digitFile is a request with one digit of MNIST that is not among those of the training.
	digitFile = "digit.json"
	// digitWidth is of its picture in pixels, each 0 to 255.
	digitWidth = 28
	// demoPath is where staging answers.
	demoPath = "/seldon/ml-staging/mnist/api/v1.0/predictions"
)

// ask shows the model one digit, and what it makes of it.
func (d *demo) ask(ctx context.Context) error {
	request, err := os.ReadFile(filepath.Join(d.dir, digitFile))
	if err != nil {
		return err
	}
	answer, err := d.post(ctx, request)
	if err != nil {
		return fmt.Errorf("the model does not answer: %w", err)
	}
	digit, probability := answer.best()
	fmt.Fprintf(d.out, "\n%s\nThe model says: this is a %s, and is %s sure.\n\n", picture(request), digit, percent(probability))
	if !d.keep {
		fmt.Fprintln(d.out, "With --keep it goes on serving, and you can ask it too.")
		return nil
	}
	fmt.Fprintf(d.out, "  curl -H 'Content-Type: application/json' -d @%s %s\n", quoted(filepath.Join(d.dir, digitFile)), d.address+demoPath)
	return nil
}

// prediction is a part of Seldon's protocol: the names of classes and, for one sample, their probabilities.
type prediction struct {
	Data struct {
		Names  []string
		Tensor struct{ Values []float64 }
	}
}

func (d *demo) post(ctx context.Context, request []byte) (prediction, error) {
	var p prediction
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, d.address+demoPath, bytes.NewReader(request))
	if err != nil {
		return p, err
	}
	r.Header.Set("Content-Type", "application/json")
	reply, err := http.DefaultClient.Do(r)
	if err != nil {
		return p, err
	}
	defer reply.Body.Close()
	body, err := io.ReadAll(io.LimitReader(reply.Body, 1<<20))
	switch {
	case err != nil:
		return p, err
	case reply.StatusCode != http.StatusOK:
		return p, fmt.Errorf("%s: %s", reply.Status, body)
	}
	if err := json.Unmarshal(body, &p); err != nil {
		return p, err
	}
	if len(p.Data.Names) == 0 || len(p.Data.Names) != len(p.Data.Tensor.Values) {
		return p, errors.New("there is no probability for each class in " + string(body))
	}
	return p, nil
}

// best is the class that is most probable.
func (p prediction) best() (name string, probability float64) {
	for i, v := range p.Data.Tensor.Values {
		if v > probability {
			name, probability = p.Data.Names[i], v
		}
	}
	return name, probability
}

// percent is rounded down: nothing short of certainty is 100 %.
func percent(p float64) string {
	const steps = 1e4
	return fmt.Sprintf("%.2f %%", math.Floor(p*steps)/steps*100)
}

// picture draws the digit of a request with characters, two for a pixel, for they are twice as high as wide.
func picture(request []byte) string {
	var sample prediction
	_ = json.Unmarshal(request, &sample) // has been sent
	const shades = " .:-=+*#%@"
	var b strings.Builder
	for i, v := range sample.Data.Tensor.Values {
		shade := string(shades[min(len(shades)-1, max(0, int(v))*len(shades)/256)])
		b.WriteString(shade + shade)
		if i%digitWidth == digitWidth-1 {
			b.WriteString("\n")
		}
	}
	return strings.Trim(trimmed(b.String()), "\n") + "\n"
}

// trimmed is a text without blanks at the ends of lines, and so without empty lines' blanks.
func trimmed(text string) string {
	var lines []string
	for line := range strings.Lines(text) {
		lines = append(lines, strings.TrimRight(line, " \n"))
	}
	return strings.Join(lines, "\n")
}
