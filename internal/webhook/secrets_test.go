package webhook

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestReadSecrets(t *testing.T) {
	name := filepath.Join(t.TempDir(), "secret")
	for _, tc := range []struct {
		text string
		want []string
		err  string
	}{
		{secret + "\n", []string{secret}, ""},
		{secret, []string{secret}, ""},
		{secret + "\r\n\n  " + next + "  \n", []string{secret, next}, ""},
		{"", nil, "is empty"},
		{" \n\n", nil, "is empty"},
		{"fifteen letters", nil, "less than 16 characters"},
		{secret + "\ncanary\n", nil, "less than 16 characters"},
		{strings.Repeat(secret+"\n", 5), nil, "has 5 secrets"},
		{strings.Repeat("x", file+1), nil, "too large"},
	} {
		if err := os.WriteFile(name, []byte(tc.text), 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := ReadSecrets(name)
		if !slices.Equal(got, tc.want) || (err != nil) != (tc.err != "") || err != nil && !strings.Contains(err.Error(), tc.err) {
			t.Errorf("%.40q: %q, %v", tc.text, got, err)
		}
		if err != nil && (strings.Contains(err.Error(), "canary") || strings.Contains(err.Error(), "fifteen")) {
			t.Errorf("I6: %v", err)
		}
	}
	if _, err := ReadSecrets(name + "x"); err == nil {
		t.Error("a file that is not there is read")
	}
}
