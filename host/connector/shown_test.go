package connector

import (
	"testing"

	"github.com/mlhost/mlhost/shared/script"
)

// What a report lacks is told: what the script dropped, and what is no sample.
func TestReportTellsWhatIsMissing(t *testing.T) {
	said, err := script.ParseJSON([]byte(`{"event": "report", "dropped": 7, "samples": [["loss", 3, 1.5, 0.25], ["loss"], 4, [7, 1, 1, 1], ["", 1, 1, 1]]}`))
	if err != nil {
		t.Fatal(err)
	}
	fields, _ := said.Map()
	known := newShown("hand")
	facts := known.report(fields)
	var samples int
	missing := map[uint64]bool{}
	for _, fact := range facts {
		switch b := fact.(type) {
		case script.Samples:
			samples += len(b.Samples)
		case script.Gap:
			missing[b.Dropped] = true
		}
	}
	if samples != 1 || len(missing) != 2 || !missing[4] || !missing[7] {
		t.Errorf("%d samples, gaps of %v, of %+v", samples, missing, facts)
	}
}
