package review_test

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/trefoil-gitops/trefoil/reconcile/plan"
	"github.com/trefoil-gitops/trefoil/reconcile/review"
	"github.com/trefoil-gitops/trefoil/schema"
)

const (
	longest = 65_000
	span    = "`[^`]+`"
	cells   = "(`[^`|]+`|\\d+ more)(, (`[^`|]+`|\\d+ more))*"
)

// The lines of a comment. All that a repository says stands between backticks, which do not occur in it, or in a fenced block.
var (
	heading = regexp.MustCompile(`^### Trefoil: [a-z0-9 ,:()]+$`)
	sides   = regexp.MustCompile("^" + span + " → " + span + "$")
	quoted  = regexp.MustCompile("^> (\\*\\*(Note|Hold|Invalid)\\*\\* " + span + "|and \\d+ more)(  )?$")
	row     = regexp.MustCompile("^\\| (" + cells + "|model) \\| [^|`<]*(" + cells + ")?( ⚠️)? \\| (" + cells + "|why)? " +
		"(\\| [a-zA-Z0-9. ]*)?\\|$")
	ruled   = regexp.MustCompile(`^\| (---|and \d+ more)( \| (---)?){2,3} \|$`)
	summary = regexp.MustCompile(`^<details( open)?><summary><code>([^<>&]|&(lt|gt|amp|#34|#39);)*</code> [a-z ]+</summary>$`)
	fence   = regexp.MustCompile("^(`{3,})text$")
	costs   = regexp.MustCompile(`^This costs at most [0-9a-zA-Z ,.]+$`)
	rest    = regexp.MustCompile("^\\d+ models? did not fit here: `trefoil plan --base` tells of all\\.$")
)

// structure says which line of a comment is none that there should be, and returns the names of the models that have a block.
func structure(comment string) (blocks []string, wrong string) {
	lines := strings.Split(comment, "\n")
	if lines[0] != review.Marker || !heading.MatchString(lines[1]) || !sides.MatchString(lines[3]) {
		return nil, strings.Join(lines[:4], "\n")
	}
	for i := 4; i < len(lines); i++ {
		l := lines[i]
		if begin := summary.FindString(l); begin != "" {
			end := block(lines[i+1:])
			if end < 0 {
				return nil, "the block after " + l
			}
			blocks = append(blocks, strings.Split(strings.Split(l, "<code>")[1], "</code>")[0])
			i += end
			continue
		}
		known := func(r *regexp.Regexp) bool { return r.MatchString(l) }
		if l != "" && !slices.ContainsFunc([]*regexp.Regexp{quoted, row, ruled, costs, rest}, known) {
			return nil, l
		}
	}
	return blocks, ""
}

// block finds how many lines a fenced block and the end of its details have: the first line that may close the fence closes it.
func block(lines []string) int {
	open := fence.FindStringSubmatch(lines[1])
	if lines[0] != "" || open == nil {
		return -1
	}
	for i, l := range lines[2:] {
		ticks := strings.TrimRight(strings.TrimLeft(l, " "), " \t")
		if len(ticks) >= len(open[1]) && strings.Trim(ticks, "`") == "" {
			if lines[i+3] != "" || lines[i+4] != "</details>" {
				return -1
			}
			return i + 5
		}
	}
	return -1
}

// evil are texts that would be something else than text.
var evil = []string{
	"`", "```", "\n```\n# hi\n", "~~~", "</details>", "<img src=x onerror=alert(1)>", "<!-- trefoil-plan -->", "|", `\|`, `\\|`, "| a | b |",
	"\r\n> quote",
	"@team", "#12", "[x](https://evil.example)", "\x1b[31m", "\u202e", "\u200b", "\x00", "\xff\xfe", "&lt;", "**bold**", "  ", "", "\t",
	"<code>", "</code></summary>", "🙂",
	strings.Repeat("`", 40), strings.Repeat("x", 5000), "https://evil.example", "$(rm -rf)", "\u2028", "`a` `b`",
}

// said is a review in which the text stands wherever a repository, a branch or an engine may have put it.
func said(text string, models int) review.Review {
	r := review.Review{
		Base: review.Side{Name: "main" + text, Revision: "1111111111111111111111111111111111111111"}, Head: review.Side{Name: "x" + text},
		Notes: []string{"n" + text}, Holds: []plan.Hold{{Reason: "h" + text}}, Unchanged: 3,
		Findings: []schema.Finding{{Severity: schema.Error, Message: text, Hint: text, Pos: schema.Position{File: text, Line: 1},
			Scope: schema.Scope{Model: text, Environment: text}}},
	}
	for i := range models {
		name := fmt.Sprintf("m%d%s", i, text)
		m := review.Model{
			Name: name, From: text, Word: review.Words()[min(i, len(review.Words())-1)], Experiments: i % 3,
			Warnings: []string{text}, Notes: []string{text},
			Cost: review.Cost{GPUHours: float64(i), CPUHours: math.NaN()},
			Causes: []review.Cause{
				{Field: "f" + text, Old: text, New: text, Pos: schema.Position{File: text}}, {New: text}, {Old: text, Gone: true},
			},
			Steps: []plan.Step{
				{Scope: schema.Scope{Model: name, Environment: text}, Word: "serve", Text: text, If: text},
				{Scope: schema.Scope{Model: text}, Word: "delete"},
			},
			Holds: []plan.Hold{{Model: name, Environment: text, Reason: text}},
		}
		r.Models = append(r.Models, m)
	}
	return r
}

// escapes says what of a text got out of its place, into a comment or onto a terminal.
func escapes(text string) string {
	r := said(text, 4)
	comment := r.Markdown()
	if blocks, wrong := structure(comment); wrong != "" || len(blocks) != len(r.Models) {
		return fmt.Sprintf("%d blocks, and a comment with %q", len(blocks), wrong)
	}
	if !utf8.ValidString(comment + r.String()) {
		return "bytes that are no text"
	}
	for _, c := range comment + r.String() {
		if c != '\n' && !unicode.IsPrint(c) && c != '\ufe0f' { // of the warning sign
			return fmt.Sprintf("%q is printed", c)
		}
	}
	if n := strings.Count(r.String(), "\n"); n != strings.Count(said("x", 4).String(), "\n") {
		return fmt.Sprintf("%d lines on a terminal", n)
	}
	return ""
}

func TestMarkdownEscapes(t *testing.T) {
	t.Parallel()
	for _, text := range evil {
		for _, s := range []string{text, text + text, "a" + text + "b", text + "a", "`" + text} {
			if why := escapes(s); why != "" {
				t.Errorf("%q: %s", s, why)
			}
		}
	}
}

func FuzzMarkdown(f *testing.F) {
	for _, text := range evil {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if why := escapes(text); why != "" {
			t.Error(why)
		}
	})
}

// TestMarkdownLength fits whatever there is into a comment, the first models first, and counts the rest.
func TestMarkdownLength(t *testing.T) {
	t.Parallel()
	for name, r := range map[string]review.Review{
		"thousands of models": said("", 5000),
		"long words":          said(strings.Repeat("long 🙂 ", 2000), 300),
		"long fences":         said(strings.Repeat("`", 6000), 200),
		"long lists":          large(),
	} {
		comment := r.Markdown()
		blocks, wrong := structure(comment)
		if wrong != "" || len(comment) > longest {
			t.Errorf("%s: %d bytes, and %q", name, len(comment), wrong)
		}
		if len(blocks) < 3 {
			t.Errorf("%s: %d models have a block", name, len(blocks))
		}
		for i, b := range blocks {
			if !strings.HasPrefix(b, fmt.Sprintf("m%d", i)) {
				t.Fatalf("%s: block %d is of %.20s", name, i, b)
			}
		}
		if left := fmt.Sprintf("\n%d models did not fit here", len(r.Models)-len(blocks)); !strings.Contains(comment, left) {
			t.Errorf("%s: after %d blocks it does not say %q", name, len(blocks), left)
		}
	}
}

// large is a review with much of everything.
func large() review.Review {
	r := said("x", 1000)
	for i := range 3000 {
		r.Notes = append(r.Notes, fmt.Sprint("note ", i))
		r.Findings = append(r.Findings, schema.Finding{Severity: schema.Error, Code: "TRF0101", Message: fmt.Sprint("finding ", i)})
		m := &r.Models[i%10]
		m.Causes = append(m.Causes, review.Cause{Field: fmt.Sprint("train.params.p", i), New: "1"})
		place := schema.Scope{Model: m.Name, Environment: fmt.Sprint("place", i)}
		m.Steps = append(m.Steps, plan.Step{Scope: place, Word: "serve", Text: "release 1"})
	}
	return r
}
