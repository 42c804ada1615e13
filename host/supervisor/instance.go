package supervisor

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// errChanged says that a record is not as it was written.
var errChanged = errors.New("its checksum does not fit")

// noSum stands in a record's text for its sum while that is computed.
var noSum = strings.Repeat("0", 2*sha256.Size)

// encode returns the text of instance.json.
func (in instance) encode() ([]byte, error) {
	in.Sum = noSum
	b, err := json.MarshalIndent(in, "", "  ")
	b = append(b, '\n')
	return setSum(b, noSum, sumText(b)), err
}

func sumText(b []byte) string {
	sum := sha256.Sum256(bytes.TrimRight(b, "\n"))
	return hex.EncodeToString(sum[:])
}

// setSum puts a sum into the place of another one.
func setSum(b []byte, old, sum string) []byte {
	const key = `"sum": "`
	return bytes.Replace(b, []byte(key+old+`"`), []byte(key+sum+`"`), 1)
}

// readInstance reads the record in a run's directory. With errChanged the
// record is what can be read of one that was changed.
func readInstance(dir string) (instance, error) {
	var in instance
	b, err := os.ReadFile(filepath.Join(dir, instanceFile))
	if err == nil {
		err = json.Unmarshal(b, &in)
	}
	if err == nil && in.Sum != "" && sumText(setSum(b, in.Sum, noSum)) != in.Sum {
		err = errChanged
	}
	in.summed = err == nil && in.Sum != ""
	in.Sum = ""
	if err != nil {
		return in, fmt.Errorf("read %s: %w", instanceFile, err)
	}
	return in, nil
}
