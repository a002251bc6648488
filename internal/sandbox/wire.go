package sandbox

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/trefoil-gitops/trefoil/schema"
)

// maxLine is the longest line that a child may say, in bytes: the survey of the largest repository that is read.
const maxLine = 64 << 20

type request struct {
	Files []file `json:",omitempty"`
	Again bool   `json:",omitempty"` // the survey is known
	Judge []int  `json:",omitempty"`
}

type file struct {
	Name string
	Data []byte
}

// reply has one of these.
type reply struct {
	Reading string          `json:",omitempty"`
	Survey  *schema.Survey  `json:",omitempty"`
	Apart   bool            `json:",omitempty"` // units are judged one by one, since together something is wrong
	Verdict *schema.Verdict `json:",omitempty"`
}

// errTalk says that a child broke the protocol.
var errTalk = errors.New("the evaluating process does not make sense")

// decode reads one line of a child, which is no more to be trusted than what it evaluates.
func decode(line []byte) (reply, error) {
	var r reply
	d := json.NewDecoder(bytes.NewReader(line))
	d.DisallowUnknownFields()
	if err := d.Decode(&r); err != nil {
		return reply{}, fmt.Errorf("%w: %w", errTalk, err)
	}
	if d.More() {
		return reply{}, fmt.Errorf("%w: more than one value on a line", errTalk)
	}
	return r, nil
}

// lines reads what a child says.
func lines(r io.Reader) *bufio.Scanner {
	s := bufio.NewScanner(r)
	s.Buffer(nil, maxLine)
	return s
}
