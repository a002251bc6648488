package polyaxon

import (
	"testing"
	"time"

	"github.com/trefoil-gitops/trefoil/reconcile/plan"
)

// TestJudge: rows that no server gives at will. ago is in seconds before now.
func TestJudge(t *testing.T) {
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	at := func(status string, ago int, outputs string) run {
		r := run{UUID: "0123456789abcdef", Status: status, Outputs: values{"loss": []byte(outputs)}}
		if r.final() {
			r.FinishedAt = now.Add(-time.Duration(ago) * time.Second)
		}
		return r
	}
	byPerson := []condition{{Type: "stopping", Reason: "StateManager"}, {Type: "stopped", Reason: "SchedulerCheckPipeline", Message: "Pipeline has stopped."}}
	early := []condition{{Type: "stopping", Reason: "SchedulerCheckPipeline"}, {Type: "stopped"}}
	for name, tc := range map[string]struct {
		matrix      run
		experiments []run
		history     []condition
		want        verdict
	}{
		"new":              {at("created", 0, "1"), nil, nil, verdict{phase: plan.Running, message: "created"}},
		"pending":          {run{Status: "created", Pending: "approval"}, nil, nil, verdict{phase: plan.Running, message: "pending approval"}},
		"unknown status":   {at("dreaming", 0, "1"), []run{at("dreaming", 0, "1")}, nil, verdict{phase: plan.Running, message: "dreaming"}},
		"under way":        {at("running", 0, "1"), []run{at("succeeded", 99, "1"), at("running", 0, "null")}, nil, verdict{phase: plan.Running}},
		"by a person":      {at("stopped", 9, "1"), []run{at("succeeded", 99, "1")}, byPerson, verdict{plan.Stopped, "Pipeline has stopped.", now.Add(-9 * time.Second), true}},
		"skipped":          {at("skipped", 9, "1"), nil, nil, verdict{plan.Stopped, "", now.Add(-9 * time.Second), true}},
		"by early stop":    {at("stopped", 9, "1"), []run{at("succeeded", 99, "1"), at("stopped", 99, "null")}, early, verdict{plan.Succeeded, "", now.Add(-9 * time.Second), true}},
		"still stopping":   {at("stopped", 9, "1"), []run{at("succeeded", 99, "1"), at("stopping", 0, "null")}, early, verdict{phase: plan.Running, message: "stopped"}},
		"failed, one runs": {at("failed", 9, "1"), []run{at("failed", 99, "null"), at("running", 0, "null")}, nil, verdict{phase: plan.Running, message: "failed"}},
		"late metric":      {at("succeeded", 9, "1"), []run{at("succeeded", 29, "null")}, nil, verdict{phase: plan.Running, message: "experiment 01234567 succeeded, its loss is waited for"}},
		"clock behind":     {at("succeeded", -2, "1"), []run{at("succeeded", -2, "null")}, nil, verdict{phase: plan.Running, message: "experiment 01234567 succeeded, its loss is waited for"}},
		"no metric":        {at("succeeded", 9, "1"), []run{at("succeeded", 30, "null")}, nil, verdict{plan.Succeeded, "", now.Add(-9 * time.Second), false}},
		"failed has none":  {at("failed", 9, "1"), []run{at("failed", 9, "null")}, nil, verdict{plan.Succeeded, "", now.Add(-9 * time.Second), true}},
		"just all ended":   {at("running", 0, "1"), []run{at("succeeded", 99, "1"), at("failed", 9, "null")}, nil, verdict{phase: plan.Running}},
		"hung":             {at("running", 0, "1"), []run{at("succeeded", 99, "1"), at("failed", 10, "null")}, nil, verdict{plan.Succeeded, "", now.Add(-10 * time.Second), false}},
	} {
		t.Run(name, func(t *testing.T) {
			got := patience{metric: 30 * time.Second, settle: 10 * time.Second}.judge(tc.matrix, tc.experiments, tc.history, now)
			if got != tc.want {
				t.Errorf("got  %+v\nwant %+v", got, tc.want)
			}
		})
	}
}
