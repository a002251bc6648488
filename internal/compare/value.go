package compare

import (
	"fmt"
	"reflect"

	"k8s.io/apimachinery/pkg/api/resource"
)

// none reports whether a value says nothing: encoders leave such fields out, or write them, as they like. A false and a 0 do say
// something, because what is absent may mean something else.
func none(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case string:
		return v == ""
	case []any:
		return len(v) == 0
	case map[string]any:
		for _, field := range v {
			if !none(field) {
				return false
			}
		}
		return true
	}
	return false
}

// same reports whether two scalars mean the same at that place.
func same(p Path, a, b any) bool {
	if none(a) && none(b) || reflect.DeepEqual(a, b) {
		return true
	}
	x, isNumber := number(a)
	y, areNumbers := number(b)
	return isNumber && areNumbers && x == y || p.quantity() && sameQuantity(a, b)
}

// number is the value of a JSON number, which decoders make of several types.
func number(v any) (float64, bool) {
	switch v := v.(type) {
	case int64:
		return float64(v), true
	case float64:
		return v, true
	}
	return 0, false
}

// quantity reports whether Kubernetes reads what is there as an amount: "1000m" is 1.
func (p Path) quantity() bool {
	if len(p) < 2 {
		return false
	}
	around := p[len(p)-2].Name
	return around == "limits" || around == "requests"
}

func sameQuantity(a, b any) bool {
	x, err1 := resource.ParseQuantity(fmt.Sprint(a))
	y, err2 := resource.ParseQuantity(fmt.Sprint(b))
	return err1 == nil && err2 == nil && x.Cmp(y) == 0
}
