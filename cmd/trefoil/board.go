package main

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strings"
	"sync"

	"github.com/trefoil-gitops/trefoil/reconcile"
	"github.com/trefoil-gitops/trefoil/reconcile/plan"
	"github.com/trefoil-gitops/trefoil/render"
	"github.com/trefoil-gitops/trefoil/schema"
)

const (
	// boardRows is how many experiments of a search a board shows, and barWidth how many characters its bar has.
	boardRows = 10
	barWidth  = 20
)

// board shows what goes on: on a terminal as a block that is drawn over itself below the lines of what was done, else as those lines
// alone. It is safe for concurrent use.
type board struct {
	mu    sync.Mutex
	out   io.Writer
	width int // of the terminal; 0 for none
	drawn int // lines of the block that are on the screen
	block []string
	ended bool // nothing is drawn any more
}

// newBoard is one on a stream.
func newBoard(out io.Writer) *board {
	width, _ := screen(out) // 0 is none to draw on
	return &board{out: out, width: width}
}

// say adds a line above the block.
func (b *board) say(line string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.clear()
	fmt.Fprintln(b.out, line)
	b.draw()
}

// show draws the block anew.
func (b *board) show(pass reconcile.Pass) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.clear()
	b.block = lines(pass)
	b.draw()
}

// close leaves what is on the screen, without the block.
func (b *board) close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.clear()
	b.block, b.ended = nil, true
}

func (b *board) clear() {
	if b.drawn > 0 {
		fmt.Fprintf(b.out, "\x1b[%dA\x1b[J", b.drawn)
	}
	b.drawn = 0
}

func (b *board) draw() {
	if b.width == 0 || b.ended {
		return
	}
	for _, line := range b.block {
		if runes := []rune(line); len(runes) >= b.width {
			line = string(runes[:b.width-1])
		}
		fmt.Fprintln(b.out, line)
	}
	b.drawn = len(b.block)
}

// lines are the block: for each model its search, while it has one that is not selected from yet, and why it or an environment waits.
func lines(pass reconcile.Pass) []string {
	var all []string
	for _, m := range pass.Catalog.Models {
		for _, o := range pass.Live.Objects[render.SearchRef(m)] {
			if o.Phase == plan.Running {
				all = append(all, searching(m, o)...)
			}
		}
	}
	for _, h := range pass.Plan.Holds {
		all = append(all, h.String())
	}
	return all
}

// searching shows the experiments of a search, best first, and how many have ended.
func searching(m schema.Model, o plan.Observed) []string {
	done := 0
	for _, x := range o.Experiments {
		if x.Phase != plan.Running {
			done++
		}
	}
	filled := barWidth * done / max(1, len(o.Experiments))
	bar := strings.Repeat("█", filled) + strings.Repeat("░", barWidth-filled)
	all := []string{"", fmt.Sprintf("%s  %s  %d of %d experiments", m.Name, bar, done, len(o.Experiments))}
	ranked := slices.Clone(o.Experiments)
	slices.SortStableFunc(ranked, func(a, b plan.Experiment) int {
		worth := func(x plan.Experiment) float64 {
			v, found := x.Metrics[m.Select.Metric]
			switch {
			case !found || math.IsNaN(v):
				return math.Inf(1)
			case m.Select.Goal == schema.Maximize:
				return -v
			}
			return v
		}
		return cmp.Compare(worth(a), worth(b))
	})
	for _, x := range ranked[:min(boardRows, len(ranked))] {
		all = append(all, "  "+row(m, x))
	}
	return append(all, "")
}

// row is an experiment: its uid, its metrics or its phase, and what the search varies.
func row(m schema.Model, x plan.Experiment) string {
	s := fmt.Sprintf("%.8s", x.UID)
	if len(x.Metrics) == 0 {
		s += "  " + strings.ToLower(string(x.Phase))
	}
	for _, name := range slices.Sorted(maps.Keys(x.Metrics)) {
		s += fmt.Sprintf("  %s %-6.4g", name, x.Metrics[name])
	}
	for _, name := range m.Train.Search.Names() {
		s += fmt.Sprintf("  %s %v", name, short(x.Params[name]))
	}
	return s
}

// short is a number in few digits.
func short(value any) any {
	if v, ok := value.(float64); ok {
		return fmt.Sprintf("%.4g", v)
	}
	return value
}
