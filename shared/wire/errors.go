package wire

import (
	"context"
	"errors"
	"fmt"
	"io"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	pb "github.com/mlhost/mlhost/shared/proto/mlhost/plugin/v1"
	"github.com/mlhost/mlhost/shared/script"
)

// maxErrorText bounds each text of an error in bytes: gRPC carries errors in
// headers, whose size is limited.
const maxErrorText = 8 << 10

// grpcCodes gives each code its nearest gRPC status. The exact one travels as
// a detail.
var grpcCodes = map[script.Code]codes.Code{
	script.CodeUsage:         codes.InvalidArgument,
	script.CodeConfigInvalid: codes.InvalidArgument,
	script.CodeNotFound:      codes.NotFound,
	script.CodeRejected:      codes.FailedPrecondition,
	script.CodeConflict:      codes.Aborted,
	script.CodeForbidden:     codes.PermissionDenied,
	script.CodeUnavailable:   codes.Unavailable,
	script.CodeNotConnected:  codes.Unavailable,
	script.CodeDeadline:      codes.DeadlineExceeded,
	script.CodeMailboxFull:   codes.ResourceExhausted,
	script.CodeNoAnswerer:    codes.NotFound,
	script.CodeDistributed:   codes.FailedPrecondition,
}

// toStatus makes a gRPC status of err, with the script.Error as its detail. A
// cancelled context keeps its own status.
func toStatus(err error) error {
	if err == nil {
		return nil
	}
	if _, ok := status.FromError(err); ok {
		return err
	}
	if errors.Is(err, context.Canceled) {
		return status.Error(codes.Canceled, err.Error())
	}
	e := script.AsError(err)
	code, ok := grpcCodes[e.Code]
	if !ok {
		code = codes.Internal
	}
	st := status.New(code, valid(clip(e.Message)))
	if detailed, err := st.WithDetails(errorToProto(e)); err == nil {
		st = detailed
	}
	return st.Err()
}

// fromStatus is the reverse of toStatus. A status that gRPC made by itself
// gets the code that fits; a cancelled call is context.Canceled, and the end
// of a stream io.EOF.
func fromStatus(err error) error {
	if err == nil || errors.Is(err, io.EOF) {
		return err
	}
	st, ok := status.FromError(err)
	if !ok {
		return err
	}
	for _, d := range st.Details() {
		if e, ok := d.(*pb.Error); ok {
			return errorFromProto(e)
		}
	}
	switch st.Code() {
	case codes.Canceled:
		return fmt.Errorf("call plugin: %w", context.Canceled)
	case codes.DeadlineExceeded:
		return script.Errorf(script.CodeDeadline, "the plugin did not answer in time")
	case codes.Unavailable:
		return script.Errorf(script.CodeUnavailable, "the plugin's process cannot be reached: %s", st.Message())
	case codes.ResourceExhausted:
		return script.Errorf(script.CodeRejected, "message too large: %s", st.Message())
	case codes.Unimplemented:
		return script.Errorf(script.CodeInternal, "the plugin does not know this call: %s", st.Message())
	}
	return script.Errorf(script.CodeInternal, "%s", st.Message())
}

func errorToProto(e *script.Error) *pb.Error {
	if e == nil {
		return nil
	}
	return &pb.Error{
		Code: valid(string(e.Code)), Message: valid(clip(e.Message)),
		Hint: valid(clip(e.Hint)), At: valid(clip(e.At)),
	}
}

func errorFromProto(e *pb.Error) *script.Error {
	if e == nil {
		return nil
	}
	code := script.Code(e.GetCode())
	if code == "" {
		code = script.CodeInternal
	}
	return &script.Error{Code: code, Message: e.GetMessage(), Hint: e.GetHint(), At: e.GetAt()}
}

func clip(s string) string {
	if len(s) <= maxErrorText {
		return s
	}
	return s[:maxErrorText] + "…"
}
