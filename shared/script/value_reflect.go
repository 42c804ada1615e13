package script

import (
	"fmt"
	"math"
	"reflect"
)

// ofReflect serves the less common types of Of.
func ofReflect(x any, depth int) (Value, error) {
	r := reflect.ValueOf(x)
	switch r.Kind() {
	case reflect.Bool:
		return Bool(r.Bool()), nil
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return Int(r.Int()), nil
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		if r.Uint() > math.MaxInt64 {
			return Null(), fmt.Errorf("convert value: %d does not fit into 64 signed bits", r.Uint())
		}
		return Int(int64(r.Uint())), nil
	case reflect.Float32, reflect.Float64:
		return Float(r.Float()), nil
	case reflect.String:
		return String(r.String()), nil
	case reflect.Slice, reflect.Array:
		list := make([]Value, r.Len())
		for i := range list {
			v, err := of(r.Index(i).Interface(), depth)
			if err != nil {
				return Null(), err
			}
			list[i] = v
		}
		return List(list...), nil
	case reflect.Map:
		if r.Type().Key().Kind() != reflect.String {
			return Null(), fmt.Errorf("convert value: map keys of %T are no strings", x)
		}
		table := make(map[string]Value, r.Len())
		for _, key := range r.MapKeys() {
			v, err := of(r.MapIndex(key).Interface(), depth)
			if err != nil {
				return Null(), err
			}
			table[key.String()] = v
		}
		return Map(table), nil
	case reflect.Pointer, reflect.Interface:
		if r.IsNil() {
			return Null(), nil
		}
		return of(r.Elem().Interface(), depth)
	}
	return Null(), fmt.Errorf("convert value: %T has no counterpart", x)
}
