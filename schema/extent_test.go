package schema

import (
	"strings"
	"testing"
	"unicode/utf8"
)

// TestExtent: the bracket is where a finding points to, the other one where what it points to ends.
func TestExtent(t *testing.T) {
	t.Parallel()
	for _, line := range []string{
		`	⟦comand⟧: ["python"]`, `	⟦"nvidia.com/gpu"⟧: "1"`, `	⟦#gate⟧: {loss: <1}`, `	seed!: 1, ⟦goal⟧ : "x"`, `	⟦image⟧?: string`,
		`	image: ⟦"a, b: c"⟧, x: 1`, `	image: ⟦"a\(b("c")+"d")e"⟧ // why`, `	x: ⟦>=0.9 & <1⟧`, `	x: ⟦"a" | *"b"⟧  }`, `	x: [1, ⟦{a: 1, b: [2]}⟧, 3]`,
		`	x: ⟦f(1, 2).b⟧`, `	x: ⟦1⟧ @tag(x)`, `	x: ⟦-1⟧]`, "	x: ⟦1⟧\r", `	x: ⟦"never closed⟧`, `	x: ⟦[1, 2⟧`, `⟦<<<<<<< HEAD⟧`, `⟦é⟧: 1`, `⟦}⟧ }`,
	} {
		before, rest, _ := strings.Cut(line, "⟦")
		inside, after, _ := strings.Cut(rest, "⟧")
		plain, column := before+inside+after, len(before)+1
		if end := Extent(plain, column); end != column+len(inside) {
			t.Errorf("%s: ends at %d, want %d", line, end, column+len(inside))
		}
	}
}

// TestExtentOfMuch: what is long is cut, between characters.
func TestExtentOfMuch(t *testing.T) {
	t.Parallel()
	line := `x: "a` + strings.Repeat("é", 1000) + `"`
	if end := Extent(line, 4); end != 4+longestExtent {
		t.Errorf("it ends at %d", end)
	}
	if end := Extent(line, 5); end != 5+longestExtent-1 {
		t.Errorf("one further it ends at %d", end)
	}
}

// FuzzExtent: whatever a line holds, what stands in it ends behind its first character and inside the line.
func FuzzExtent(f *testing.F) {
	f.Add("\timage: \"a\\(b)\"", 9)
	f.Add("}}", 1)
	f.Add("", 0)
	f.Fuzz(func(t *testing.T, line string, column int) {
		if !utf8.ValidString(line) || len(line) > 1<<12 || column < 1 || column > len(line) {
			return
		}
		if end := Extent(line, column); end <= column || end > len(line)+1 {
			t.Errorf("%q at %d ends at %d", line, column, end)
		}
	})
}
