package redact

import "bytes"

// Tail is the end of a log. Set Most before the first Write.
type Tail struct {
	Most int // how many bytes are kept

	text []byte // one byte too many shows that there was more
}

// Write never fails.
func (t *Tail) Write(p []byte) (int, error) {
	t.text = append(t.text, p...)
	if over := len(t.text) - t.Most - 1; over > 0 {
		t.text = append(t.text[:0], t.text[over:]...)
	}
	return len(p), nil
}

// Text is what is kept, with "(cut)" for a line whose beginning is missing: that may have been the name of a secret, by which Log would
// have known it. The caller must not change it, nor keep it beyond the next Write.
func (t *Tail) Text() []byte {
	if len(t.text) <= t.Most {
		return t.text
	}
	rest := t.text[len(t.text):]
	if i := bytes.IndexAny(t.text, "\r\n"); i >= 0 {
		rest = t.text[i:]
	}
	return append([]byte("(cut)"), rest...)
}
