package script

import "strconv"

// Step is a step number as it stands in JSON: null where it is negative,
// because nobody counts steps there.
type Step int64

// NoStep is the Step of what happened at no step.
const NoStep Step = -1

// MarshalJSON writes the number, or null.
func (s Step) MarshalJSON() ([]byte, error) {
	if s < 0 {
		return []byte("null"), nil
	}
	return strconv.AppendInt(nil, int64(s), 10), nil
}

// UnmarshalJSON reads a number or null.
func (s *Step) UnmarshalJSON(data []byte) error {
	if string(data) == "null" {
		*s = NoStep
		return nil
	}
	n, err := strconv.ParseInt(string(data), 10, 64)
	*s = Step(n)
	return err
}

// String renders the number, "-" where there is none.
func (s Step) String() string {
	if s < 0 {
		return "-"
	}
	return strconv.FormatInt(int64(s), 10)
}
