package sandbox

import (
	"encoding/json"
	"fmt"
	"io"
	"os"

	"github.com/trefoil-gitops/trefoil/schema"
)

// Serve is the child: it limits what this process may take, then judges what it is told to on in. It ends the process when in
// ends, whatever it is doing, since that means that nobody waits any more.
func Serve(in io.Reader, out io.Writer) error {
	if err := limit(); err != nil {
		return fmt.Errorf("limit the process: %w", err)
	}
	requests := make(chan request)
	go func() {
		d := json.NewDecoder(in)
		for {
			var r request
			if d.Decode(&r) != nil {
				os.Exit(0)
			}
			requests <- r
		}
	}()
	return answer(requests, json.NewEncoder(out))
}

// answer judges the files of the first request, as those that follow say, until there are no more.
func answer(requests <-chan request, out *json.Encoder) error {
	files := map[string][]byte{}
	first := <-requests
	for _, f := range first.Files {
		files[f.Name] = f.Data
	}
	var failed error
	r := schema.Read(files, func(name string) {
		if err := out.Encode(reply{Reading: name}); err != nil {
			failed = err
		}
	})
	if failed != nil {
		return failed
	}
	survey := r.Survey
	if first.Again {
		survey = schema.Survey{}
	}
	if err := out.Encode(reply{Survey: &survey}); err != nil {
		return err
	}
	r.Places, survey.Places = nil, nil // to judge takes none of it, but memory by the multiple
	for next := range requests {
		if err := judge(r, next.Judge, out); err != nil {
			return err
		}
	}
	return nil
}

// judge says the verdicts on units, together where nothing is wrong with them.
func judge(r *schema.Reading, units []int, out *json.Encoder) error {
	if len(units) > 1 {
		if verdicts, ok := r.Together(units); ok {
			for _, v := range verdicts {
				if err := out.Encode(reply{Verdict: &v}); err != nil {
					return err
				}
			}
			return nil
		}
		if err := out.Encode(reply{Apart: true}); err != nil {
			return err
		}
	}
	for _, index := range units {
		v := r.Judge(index)
		if err := out.Encode(reply{Verdict: &v}); err != nil {
			return err
		}
	}
	return nil
}
