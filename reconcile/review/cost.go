package review

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/trefoil-gitops/trefoil/schema"
)

// Cost is what the experiments of a search use at most, where the spec says enough: their number times train.timeout times what
// one of them may take of a machine. NaN is unknown.
type Cost struct {
	Timeout  time.Duration // of one experiment; 0 is no limit
	GPUHours float64       // over all resources whose name ends in "/gpu"
	CPUHours float64       // over cores
}

// costOf is the cost of n experiments.
func costOf(t schema.Train, n int) Cost {
	c := Cost{Timeout: t.Timeout, GPUHours: math.NaN(), CPUHours: math.NaN()}
	if t.Timeout <= 0 || n == 0 {
		return c
	}
	hours := float64(n) * t.Timeout.Hours()
	for _, name := range sorted(each(t.Resources)) {
		amount := quantity(each(t.Resources)[name])
		switch {
		case name == "cpu":
			c.CPUHours = hours * amount
		case strings.HasSuffix(name, "/gpu"):
			if math.IsNaN(c.GPUHours) {
				c.GPUHours = 0
			}
			c.GPUHours += hours * amount
		}
	}
	return c
}

// Total is what all experiments use at most, and how many models there are of which that is not known. Timeout is that of none.
func (r Review) Total() (c Cost, unknown int) {
	c = Cost{GPUHours: math.NaN(), CPUHours: math.NaN()}
	for _, m := range r.Models {
		if m.Experiments > 0 && m.Cost.String() == "" {
			unknown++
		}
		c.GPUHours, c.CPUHours = sum(c.GPUHours, m.Cost.GPUHours), sum(c.CPUHours, m.Cost.CPUHours)
	}
	return c, unknown
}

// sum takes what is unknown for nothing, unless both are.
func sum(a, b float64) float64 {
	switch {
	case math.IsNaN(a):
		return b
	case math.IsNaN(b):
		return a
	}
	return a + b
}

// total is "at most 20 GPU hours in all, and 2 models of which that is not known"; empty where one model at most starts experiments.
func (r Review) total() string {
	c, unknown := r.Total()
	searching := 0
	for _, m := range r.Models {
		if m.Experiments > 0 {
			searching++
		}
	}
	if searching < 2 || unknown == searching {
		return ""
	}
	text := "at most " + c.hours() + " in all"
	if unknown > 0 {
		text += ", and " + counted(unknown, "model") + " of which that is not known"
	}
	return text
}

// each is what one experiment may take: its limit, where it has none what it asks for.
func each(r schema.Resources) map[string]string {
	all := map[string]string{}
	for name, q := range r.Requests {
		all[name] = q
	}
	for name, q := range r.Limits {
		all[name] = q
	}
	return all
}

// quantity is a Kubernetes quantity of things that are counted, such as "500m" or "2"; NaN where it is in other units.
func quantity(q string) float64 {
	scale := 1.0
	if milli, ok := strings.CutSuffix(q, "m"); ok {
		q, scale = milli, 1000
	} else if kilo, ok := strings.CutSuffix(q, "k"); ok {
		q, scale = kilo, 0.001
	}
	v, err := strconv.ParseFloat(q, 64)
	if err != nil {
		return math.NaN()
	}
	return v / scale
}

// String is "at most 20 GPU hours and 40 CPU hours, 2h an experiment"; empty where nothing is known.
func (c Cost) String() string {
	if c.hours() == "" {
		return ""
	}
	return fmt.Sprintf("at most %s, %s an experiment", c.hours(), Duration(c.Timeout))
}

// hours is "20 GPU hours and 40 CPU hours".
func (c Cost) hours() string {
	var parts []string
	if !math.IsNaN(c.GPUHours) {
		parts = append(parts, hours(c.GPUHours, "GPU"))
	}
	if !math.IsNaN(c.CPUHours) {
		parts = append(parts, hours(c.CPUHours, "CPU"))
	}
	return strings.Join(parts, " and ")
}

func hours(n float64, of string) string {
	text := strconv.FormatFloat(math.Round(n*10)/10, 'f', -1, 64)
	if text == "1" {
		return text + " " + of + " hour"
	}
	return text + " " + of + " hours"
}

// Duration is a duration as people write it: "1h30m", not "1h30m0s".
func Duration(d time.Duration) string {
	text := d.String()
	for _, zero := range []string{"m0s", "h0m"} {
		if strings.HasSuffix(text, zero) {
			text = strings.TrimSuffix(text, zero[1:])
		}
	}
	return text
}
