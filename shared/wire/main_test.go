package wire

import (
	"testing"

	"github.com/mlhost/mlhost/internal/left"
)

func TestMain(m *testing.M) { left.Main(m) }
