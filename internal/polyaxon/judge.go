package polyaxon

import (
	"fmt"
	"time"

	"github.com/trefoil-gitops/trefoil/reconcile/plan"
)

// patience is how long the server may be behind its own words, by its own clock.
type patience struct {
	metric time.Duration // a success may come before its metric
	settle time.Duration // experiments may all have ended, and the matrix not know it
}

// verdict is what a matrix and its experiments come to.
type verdict struct {
	phase   plan.Phase
	message string
	ended   time.Time
	settled bool // nothing of it will change by itself any more
}

// judge decides how far a search is. The experiments decide, not the status of the matrix: that is failed where one of ten
// failed, stopped where early stopping met its goal, and it can stay running for ever. history is that of the matrix, needed
// only where unclear says so.
func (p patience) judge(matrix run, experiments []run, history []condition, now time.Time) verdict {
	switch {
	case matrix.phase() == plan.Stopped && !stoppedEarly(history):
		return verdict{phase: plan.Stopped, message: last(history), ended: matrix.ended(), settled: true}
	case len(experiments) == 0 && matrix.final():
		return verdict{phase: matrix.phase(), message: last(history), ended: matrix.ended(), settled: true}
	case len(experiments) == 0:
		return verdict{phase: plan.Running, message: waiting(matrix)}
	}
	end, live := matrix.ended(), false
	for _, x := range experiments {
		if name := x.lacks(); name != "" && now.Sub(x.ended()) < p.metric {
			return verdict{phase: plan.Running, message: fmt.Sprintf("experiment %.8s succeeded, its %s is waited for", x.UUID, name)}
		}
		live = live || !x.final()
		if !matrix.final() && x.ended().After(end) {
			end = x.ended()
		}
	}
	if live || !matrix.final() && now.Sub(end) < p.settle {
		return verdict{phase: plan.Running, message: waiting(matrix)}
	}
	return verdict{phase: plan.Succeeded, ended: end, settled: matrix.final() && complete(experiments)}
}

// unclear reports whether only its history tells why a matrix ended.
func unclear(matrix run, experiments []run) bool {
	return matrix.final() && (matrix.phase() == plan.Stopped || len(experiments) == 0)
}

// stoppedEarly reports whether the server itself stopped the matrix, because early stopping had met its goal.
func stoppedEarly(history []condition) bool {
	early := false
	for _, c := range history {
		if c.Type == "stopping" {
			early = c.Reason == "SchedulerCheckPipeline"
		}
	}
	return early
}

func last(history []condition) string {
	if len(history) == 0 {
		return ""
	}
	return history[len(history)-1].Message
}

// waiting says why a matrix is not under way, where it isn't.
func waiting(matrix run) string {
	switch {
	case matrix.Pending != "":
		return "pending " + matrix.Pending
	case matrix.Status == "running":
		return ""
	}
	return matrix.Status
}

func complete(experiments []run) bool {
	for _, x := range experiments {
		if x.lacks() != "" {
			return false
		}
	}
	return true
}
