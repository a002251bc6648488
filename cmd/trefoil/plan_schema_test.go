package main

import (
	"strings"
	"testing"

	cuejson "cuelang.org/go/encoding/json"
	"github.com/rogpeppe/go-internal/txtar"
)

// TestPlanSchemaBites proves that docs/schemas/plan.json refuses what is wrong in a plan that it takes.
func TestPlanSchemaBites(t *testing.T) {
	script, err := txtar.ParseFile("testdata/script/plan-base-json.txtar")
	if err != nil {
		t.Fatal(err)
	}
	good := string(script.Files[len(script.Files)-1].Data)
	described := jsonSchema(t, "../../docs/schemas/plan.json")
	if err := cuejson.Validate([]byte(good), described); err != nil {
		t.Fatalf("%v\n%s", err, good)
	}
	for old, now := range map[string]string{
		`"format_version": 1`:  `"format_version": 2`,
		`"revision": "`:        `"revision": "x`,
		`"text": "Plan: `:      `"text": "`,
		`"rerun": 1,`:          `"retrain": 1,`,
		`"unchanged": 0`:       `"unchanged": -1`,
		`"gpu_hours": 15,`:     `"gpu_hours": "15",`,
		`"model": "mnist",`:    ``,
		`"action": "record"`:   `"action": "release"`,
		`"line": 7,`:           `"line": 0,`,
		`"old": "3",`:          `"old": 3,`,
		`"pass": 1`:            `"pass": "then"`,
		`"reason": "waits `:    `"raison": "waits `,
		`"warnings": [],`:      `"warnings": null,`,
		`"unapproved": [`:      `"approved": [`,
		`"file": "models.cue"`: `"file": "models.cue", "secret": ""`,
	} {
		bad := strings.Replace(good, old, now, 1)
		if bad == good || cuejson.Validate([]byte(bad), described) == nil {
			t.Errorf("%s instead of %s is taken", now, old)
		}
	}
}
