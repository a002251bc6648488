package space

import (
	"bytes"
	"encoding/json"
	"reflect"
	"testing"
)

// FuzzPoints: whatever matrix comes, there are points or an error, not more points than the limit, only values that an experiment
// can get, and the same ones the second time.
func FuzzPoints(f *testing.F) {
	for i, c := range readRecorded(f).Cases {
		if data, err := json.Marshal(c.Matrix); err == nil && i%5 == 0 {
			f.Add(data)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var read any
		decoder := json.NewDecoder(bytes.NewReader(data))
		decoder.UseNumber()
		if len(data) > 2<<10 || decoder.Decode(&read) != nil {
			return
		}
		matrix, ok := typed(read).(map[string]any)
		if !ok {
			return
		}
		points, err := Points(matrix)
		if (err == nil) != (len(points) > 0) || len(points) > maxPoints {
			t.Fatalf("%d points, %v", len(points), err)
		}
		for _, point := range points {
			for name, value := range point {
				if err := scalar(value); err != nil {
					t.Errorf("%s: %v", name, err)
				}
			}
		}
		if again, _ := Points(matrix); !reflect.DeepEqual(points, again) {
			t.Error("other points the second time")
		}
	})
}
