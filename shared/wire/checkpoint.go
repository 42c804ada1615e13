package wire

import (
	"errors"
	"io"

	pb "github.com/mlhost/mlhost/shared/proto/mlhost/plugin/v1"
	"github.com/mlhost/mlhost/shared/script"
)

const (
	checkpointPiece = 1 << 20 // bytes of data in one message
	// maxCheckpoint bounds the state that travels in messages. A larger one
	// goes through a file.
	maxCheckpoint = 1 << 30
)

// splitCheckpoint sends c in pieces: the first has all its fields, the others
// more data.
func splitCheckpoint(c Checkpoint, send func(*pb.CheckpointInfo) error) error {
	data := c.Data
	n := min(len(data), checkpointPiece)
	c.Data = data[:n]
	if err := send(checkpointToProto(c)); err != nil {
		return err
	}
	for data = data[n:]; len(data) > 0; data = data[n:] {
		n = min(len(data), checkpointPiece)
		if err := send(&pb.CheckpointInfo{Data: data[:n]}); err != nil {
			return err
		}
	}
	return nil
}

// joinCheckpoint puts the pieces together that receive returns until io.EOF.
func joinCheckpoint(receive func() (*pb.CheckpointInfo, error)) (Checkpoint, error) {
	first, err := receive()
	if errors.Is(err, io.EOF) {
		return Checkpoint{}, script.Errorf(script.CodeInternal, "the checkpoint is empty")
	}
	if err != nil {
		return Checkpoint{}, fromStatus(err)
	}
	c := checkpointFromProto(first)
	for {
		piece, err := receive()
		if errors.Is(err, io.EOF) {
			return c, nil
		}
		if err != nil {
			return Checkpoint{}, fromStatus(err)
		}
		if len(c.Data)+len(piece.GetData()) > maxCheckpoint {
			return Checkpoint{}, script.Errorf(script.CodeRejected, "the checkpoint is larger than %d MiB", maxCheckpoint>>20).
				WithHint("let the plugin write it to a file")
		}
		c.Data = append(c.Data, piece.GetData()...)
	}
}
