package main

import (
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
)

// TestEditorsPage holds the pattern of docs/editors.md, by which an editor finds its way from a line of validate, to such lines.
func TestEditorsPage(t *testing.T) {
	text, err := os.ReadFile("../../docs/editors.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "```json\n")
	block, _, closed := strings.Cut(rest, "```")
	var tasks struct {
		Tasks []struct {
			ProblemMatcher struct {
				Pattern struct {
					Regexp                                      string
					File, Line, Column, Severity, Code, Message int
				}
			}
		}
	}
	if err := json.Unmarshal([]byte(block), &tasks); err != nil || !closed {
		t.Fatalf("the page has no block of JSON: %v", err)
	}
	p := tasks.Tasks[0].ProblemMatcher.Pattern
	const models = "package models\nmodels: mnist: select: {metric: \"loss\", goal: \"minimize\"}\n"
	dir := unpacked(t, &txtar.Archive{Files: []txtar.File{{Name: "models.cue", Data: []byte(models)}}})
	line, _, _ := strings.Cut(string(validated(t, dir, "text")), "\n")
	m := regexp.MustCompile(p.Regexp).FindStringSubmatch(line)
	if m == nil {
		t.Fatalf("%s does not match %q", p.Regexp, line)
	}
	got := []string{m[p.File], m[p.Line], m[p.Column], m[p.Severity], m[p.Code], m[p.Message]}
	want := []string{"models.cue", "2", "9", "error", "TRF0102", "train is missing (a struct with image, command, search and artifact)"}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("an editor reads %q", got)
	}
}
